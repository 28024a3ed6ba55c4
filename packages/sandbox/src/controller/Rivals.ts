/** Other controllers that write a workload's replicas and revert changes: an autoscaler, a GitOps tool. */
import { numberAt, set } from "../apimachinery/Json.ts"
import type { KubeObject } from "../apimachinery/KubeObject.ts"
import type { Registry } from "../registry/Registry.ts"
import { deployments, statefulsets } from "../registry/kinds/apps.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import type { Controller } from "./Controller.ts"

export interface Rival {
  /**
   * Its name in managedFields: `argocd-controller`, `kustomize-controller`. An autoscaler writes /scale as
   * `kube-controller-manager`.
   */
  readonly manager: string
  /** Default `StatefulSet`. */
  readonly kind?: "StatefulSet" | "Deployment"
  /** Default `default`. */
  readonly namespace?: string
  readonly name: string
  readonly replicas: number
  /**
   * Delay between another client's write and its own. Default 5000, as Argo CD's self-heal; an autoscaler
   * checks every 15 s.
   */
  readonly afterMillis?: number
  /** Writes /scale rather than the object. Default false. */
  readonly scale?: boolean
}

const typeOf = ({ kind }: Rival): ResourceType => (kind === "Deployment" ? deployments : statefulsets)

export class Rivals {
  readonly #registry: Registry
  readonly #rivals = new Map<number, Rival>()
  /** The time of each next write. */
  readonly #due = new Map<number, number>()
  #count = 0

  constructor(registry: Registry) {
    this.#registry = registry
  }

  /** Switches one on, until the answer is called. */
  add(rival: Rival): () => void {
    const id = (this.#count += 1)
    this.#rivals.set(id, rival)
    const object = this.#object(rival)
    if (object !== undefined) this.#registry.store.touch(typeOf(rival), object)
    return () => {
      this.#rivals.delete(id)
      this.#due.delete(id)
    }
  }

  #object(rival: Rival): KubeObject | undefined {
    return this.#registry.store.get(typeOf(rival), rival.namespace ?? "default", rival.name)
  }

  #reconcile(id: number): number | undefined {
    const rival = this.#rivals.get(id)
    const object = rival === undefined ? undefined : this.#object(rival)
    if (rival === undefined || numberAt(object?.spec, "replicas") === (object && rival.replicas)) {
      this.#due.delete(id)
      return undefined
    }
    const now = this.#registry.now()
    const due = this.#due.get(id) ?? now + (rival.afterMillis ?? 5000)
    this.#due.set(id, due)
    if (due > now) return due - now
    this.#due.delete(id)
    this.#registry.update(
      typeOf(rival),
      rival.namespace ?? "default",
      rival.name,
      (current) => ({ ...current, spec: set(current.spec, ["replicas"], rival.replicas) }),
      { manager: rival.manager, ...(rival.scale === true ? { subresource: "scale" } : {}) }
    )
    return undefined
  }

  get controller(): Controller {
    return {
      name: "rivals",
      keysOf: ({ kind, type, object }) =>
        kind === "DELETED"
          ? []
          : [...this.#rivals]
              .filter(
                ([, rival]) =>
                  typeOf(rival) === type &&
                  rival.name === object.metadata.name &&
                  (rival.namespace ?? "default") === object.metadata.namespace
              )
              .map(([id]) => String(id)),
      reconcile: (key) => this.#reconcile(Number(key))
    }
  }
}
