/**
 * Whether the API server would admit the pods of a template now. Those that run were admitted under the quotas,
 * policies and webhooks of their time: a plan that stops them asks first whether they can come back.
 */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import { managedBy } from "../Labels.ts"
import { refusedBecause } from "../operation/OperationError.ts"
import type { Failure } from "../operation/StepContext.ts"
import { podName } from "../Ordinal.ts"
import * as Resource from "../Resource.ts"
import { podTemplateOf } from "../state/AppWorkload.ts"
import type { Holder } from "./holder.ts"

/** The owner of the pods, and which of them is tried. */
export interface Starting {
  readonly kind: string
  readonly holder: Holder
  readonly ordinal: number
}

/** Labels of each pod of a StatefulSet that its template does not have. */
const identity = (name: string, ordinal: number) => ({
  "statefulset.kubernetes.io/pod-name": name,
  "apps.kubernetes.io/pod-index": `${ordinal}`
})

/** The pod, as its controller would create it. */
export const podOf = ({ kind, holder, ordinal }: Starting): object => {
  const { metadata, spec } = holder
  const template = podTemplateOf(spec)
  const isSet = kind === "StatefulSet"
  const name = podName(metadata.name, ordinal)
  const claimed = (spec.volumeClaimTemplates ?? []).map(({ metadata: own }) => ({
    name: own.name,
    persistentVolumeClaim: { claimName: `${own.name}-${name}` }
  }))
  return {
    metadata: {
      ...(isSet ? { name } : { generateName: `${metadata.name}-` }),
      annotations: template.metadata?.annotations ?? {},
      // A policy that lets nobody but controllers create pods lets those with this label pass.
      labels: { ...template.metadata?.labels, ...(isSet ? identity(name, ordinal) : {}), ...managedBy },
      ownerReferences: [
        { apiVersion: "apps/v1", kind, name: metadata.name, uid: metadata.uid, controller: true }
      ]
    },
    spec: {
      ...template.spec,
      ...(isSet ? { hostname: name } : {}),
      volumes: [...(template.spec.volumes ?? []), ...claimed]
    }
  }
}

/**
 * Reason that the API server would not admit them; `null` if it would, or cannot tell. A quota that is full is
 * full of the pods that run, which make room first. That a pod of that name exists is said after admission.
 */
const whyNot = ({ message, reason }: ClusterError): string | null => {
  if (reason._tag === "AlreadyExists") return null
  return /exceeded quota|does not support dry run/.test(message) ? null : message
}

/** Answers of the API server about the pod, and not about how it fares itself. */
const ofAdmission = ["AlreadyExists", "Forbidden", "Invalid", "BadRequest", "InternalError"]

/** Fails if the API server would not admit a pod of the template. Nothing is stored. */
export const tryPod = (starting: Starting): Effect.Effect<void, Failure, Cluster> => {
  const { name, namespace } = starting.holder.metadata
  const place = { api: kinds.pods, namespace: namespace ?? "" }
  return Effect.catch(
    Effect.asVoid(Resource.create(place, podOf(starting), { dryRun: true })),
    (error): Effect.Effect<void, Failure> => {
      if (!ofAdmission.includes(error.reason._tag)) return Effect.fail(error)
      const why = whyNot(error)
      return why === null
        ? Effect.void
        : Effect.fail(
            refusedBecause(
              `the pods of ${name} would not start again: ${why}`,
              "change what refuses them, or the pod template; nothing was stopped"
            )
          )
    }
  )
}
