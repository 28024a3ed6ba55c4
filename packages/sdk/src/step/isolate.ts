/**
 * The isolation of a restored application: a NetworkPolicy that allows its pods to connect only to each
 * other and to DNS, so that it does not join the application that it was copied from.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Resource from "../Resource.ts"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { isSame } from "../Digest.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { cloneLabel, fencedLabel, madeByAnnotation } from "../Labels.ts"
import { isOurs, makeBeside, removeOurs } from "./snapshots.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

export const fenceTarget = (namespace: string, name: string): Resource.Target => ({
  api: Resource.networkPolicies,
  namespace,
  name
})

export const fenceName = (app: string, operation: string): string => `${app}-fence-${operation}`

/** `operation`: of the restore whose pods it is around. */
export const fencePolicy = (name: string, app: string, operation: string) => {
  const own = [{ podSelector: { matchLabels: { [cloneLabel]: operation } } }]
  return {
    metadata: { name, labels: { [madeByAnnotation]: operation, [fencedLabel]: app } },
    spec: {
      podSelector: { matchLabels: { [cloneLabel]: operation } },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from: own }],
      egress: [
        { to: own },
        {
          ports: [
            { protocol: "UDP", port: 53 },
            { protocol: "TCP", port: 53 }
          ]
        }
      ]
    }
  }
}

/** The NetworkPolicy that this operation created; `null` if it does not exist. */
export const readFence = (
  { namespace, operation }: { readonly namespace: string; readonly operation: string },
  name: string
): Effect.Effect<Resource.KubeObject | null, ClusterError, Cluster> =>
  Effect.map(Resource.findObject(fenceTarget(namespace, name)), (found) =>
    found !== null && isOurs(operation, found) ? found : null
  )

/** True if it is as this operation created it: anyone who can write NetworkPolicies could have opened it. */
export const isAsMade = (found: Resource.KubeObject, name: string, app: string, operation: string): boolean =>
  isSame(found["spec"], fencePolicy(name, app, operation).spec)

const IsolateSchema = Schema.TaggedStruct("Isolate", { on, policy: Schema.String })
type Isolate = typeof IsolateSchema.Type

const undo = ({ policy }: Isolate, at: StepContext): Work =>
  removeOurs(at, [fenceTarget(at.fence.namespace, policy)])

/** The NetworkPolicy exists before the pods that it selects. */
export const Isolate: StepKind<Isolate, object> = {
  tag: "Isolate",
  schema: IsolateSchema,
  describe: ({ policy }, { name }) => `isolate ${name}: networkpolicy ${policy}`,
  access: (_, { namespace }) =>
    rules("networking.k8s.io", "networkpolicies", ["get", "create", "delete"], namespace),
  rehearse: ({ policy }, at) =>
    Effect.as(
      Resource.create(
        { api: Resource.networkPolicies, namespace: at.fence.namespace },
        fencePolicy(policy, at.fence.name, at.plan.id),
        { dryRun: true }
      ),
      []
    ),
  perform: ({ policy }, at) =>
    Effect.asVoid(
      makeBeside(at, fenceTarget(at.fence.namespace, policy), fencePolicy(policy, at.fence.name, at.plan.id))
    ),
  undo,
  undoAlone: undo
}
