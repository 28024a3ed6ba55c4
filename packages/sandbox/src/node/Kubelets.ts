/** The kubelets of all nodes as one controller: of whatever changes, which pods they look at. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Registry } from "../registry/Registry.ts"
import { nodes, persistentvolumeclaims, type Pod, pods } from "../registry/kinds/core.ts"
import { volumeattachments } from "../registry/kinds/storage.ts"
import { claimOfAttachment } from "../controller/Attach.ts"
import { usersOf } from "../controller/ClaimUse.ts"
import type { Controller } from "../controller/Controller.ts"
import { Kubelet, type KubeletOptions } from "./Kubelet.ts"
import { heartbeat } from "../controller/NodeLifecycle.ts"
import type { Cause } from "./NodeLoss.ts"
import { keyOf } from "../apimachinery/KubeObject.ts"

export interface Kubelets {
  readonly controller: Controller
  /** Silences a node. */
  readonly lose: (name: string, cause: Cause) => void
  /** Hears of it again. */
  readonly find: (name: string) => void
}

/** `context`: of the fiber that makes the sandbox; the programs run in it, and end with its scope. */
export const kubelet = (
  registry: Registry,
  options: KubeletOptions,
  context: Context.Context<Scope.Scope>
): Kubelets => {
  const { store } = registry
  const runFork = Effect.runForkWith(context)
  const wake = (pod: Pod): void => {
    // A change that only the kubelet knows of: the pod is written as it is.
    const current = store.get(pods, pod.metadata.namespace, pod.metadata.name)
    if (current?.metadata.uid === pod.metadata.uid) store.touch(pods, current)
  }
  const inner = new Kubelet(
    registry,
    options,
    (effect) => {
      runFork(Effect.forkScoped(effect))
    },
    wake
  )
  const touchNode = (name: string): void => {
    const node = store.get(nodes, undefined, name)
    if (node !== undefined) store.touch(nodes, node)
  }
  return {
    controller: {
      name: "kubelet",
      keysOf: ({ kind, type, object, previous }) => {
        if (type === pods) {
          if (kind === "DELETED" && previous !== undefined) inner.deleted(previous as Pod)
          return [`${object.metadata.namespace}/${object.metadata.name}`]
        }
        const [namespace, name = ""] =
          type === persistentvolumeclaims
            ? [object.metadata.namespace, object.metadata.name]
            : type === volumeattachments
              ? claimOfAttachment(registry, object).split("/")
              : []
        const claim = store.get(persistentvolumeclaims, namespace, name)
        return claim === undefined ? [] : usersOf(registry, claim).map(keyOf)
      },
      reconcile: (key) => {
        const [namespace, name = ""] = key.split("/")
        const pod = store.get(pods, namespace, name)
        return pod === undefined ? undefined : inner.reconcile(pod)
      }
    },
    lose: (name, cause) => {
      inner.lose(name, cause)
      touchNode(name)
    },
    find: (name) => {
      inner.find(name)
      heartbeat(registry, name)
      touchNode(name)
    }
  }
}
