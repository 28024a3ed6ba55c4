/**
 * The pod that saves a member's data, or rebuilds it from what was saved: a check pod that runs a profile's
 * command with the volume at the application's own mount path, and with that container's variables.
 *
 * It knows names and addresses only as the application does, and its spec contains no Secret's value: it
 * refers to Secrets as the application does. It has no DNS, since the data may contain addresses of live
 * members.
 */
import type { StatefulSet } from "../kind/Workload.ts"
import { filledIn } from "../Seed.ts"
import { containerOf, type Proven, checkPodName, checkPod } from "./checkPod.ts"
import type { Which } from "./checkPods.ts"
import { podName } from "../Ordinal.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- parts of a pod spec, handed on as they are
type Json = any

export interface SeedPod {
  readonly which: Which
  /** The ordinal whose name and variables it has. */
  readonly ordinal: number
  /** The operation's id. */
  readonly id: string
  readonly claim: Proven
  readonly argv: ReadonlyArray<string>
  /** The number of members that are rebuilt. */
  readonly members: number
}

/** The value of a field of the member's own pod. */
const fieldOf = (set: StatefulSet, ordinal: number, path: string): string | null => {
  const name = podName(set.metadata.name, ordinal)
  const { labels, annotations } = set.spec.template.metadata ?? {}
  const own: Readonly<Record<string, string>> = {
    "statefulset.kubernetes.io/pod-name": name,
    "apps.kubernetes.io/pod-index": `${ordinal}`
  }
  if (path === "metadata.name") return name
  const [, field, key = ""] = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path) ?? []
  if (field === undefined) return null
  return (field === "labels" ? (own[key] ?? labels?.[key]) : annotations?.[key]) ?? ""
}

/** As the member has them: those that the API fills in with the pod's own name say the member's. */
const variablesOf = (set: StatefulSet, ordinal: number, env: ReadonlyArray<Json> | undefined) =>
  (env ?? []).map((one) => {
    const path: unknown = one.valueFrom?.fieldRef?.fieldPath
    const value = typeof path === "string" ? fieldOf(set, ordinal, path) : null
    return value === null ? one : { name: one.name, value }
  })

/** The mount path of the volume in the application's container. */
export const mountOf = (set: StatefulSet, template: string): string => {
  const container: Json = containerOf((set.spec.template.spec as Json).containers, [template])
  const found = (container.volumeMounts ?? []).find(({ name }: Json) => name === template)
  return found?.mountPath ?? ""
}

export const seedPod = (set: StatefulSet, spec: SeedPod): object => {
  const { which, ordinal, id, claim, argv, members } = spec
  const base: Json = checkPod(set, ordinal, id, [claim])
  const [container] = base.spec.containers
  const own: Json = containerOf((set.spec.template.spec as Json).containers, [claim.template])
  const pod = podName(set.metadata.name, ordinal)
  const args = [...(own.command ?? []), ...(own.args ?? [])]
  const volume = mountOf(set, claim.template)
  return {
    metadata: { ...base.metadata, name: checkPodName(set.metadata.name, which, id) },
    spec: {
      ...base.spec,
      hostname: pod,
      dnsPolicy: "None",
      dnsConfig: { nameservers: ["127.0.0.1"] },
      containers: [
        {
          ...container,
          command: filledIn(argv, { volume, operation: id, members, pod, ordinal, args }),
          env: variablesOf(set, ordinal, own.env),
          ...(own.envFrom === undefined ? {} : { envFrom: own.envFrom }),
          // It opens what the application opens: it needs as much, and asks for little.
          resources: {
            requests: container.resources.requests,
            ...(own.resources?.limits === undefined ? {} : { limits: own.resources.limits })
          },
          volumeMounts: (own.volumeMounts ?? [])
            .filter(({ name }: Json) => name === claim.template)
            .map((mount: Json) => ({ ...mount, readOnly: false }))
        }
      ]
    }
  }
}
