/**
 * Admission of a valid write before it is stored: missing and terminating namespaces, quotas, the default
 * StorageClass, a Service's address, and refusals that a test requests.
 */
import { at, isObject, stringAt } from "../apimachinery/Json.ts"
import type { Draft, KubeObject } from "../apimachinery/KubeObject.ts"
import { checkQuota } from "./Quota.ts"
import * as Quantity from "../apimachinery/Quantity.ts"
import type { Stored } from "./Store.ts"
import { namespaces, persistentvolumeclaims, pods, serviceaccounts, services } from "./kinds/core.ts"
import { storageclasses } from "./kinds/storage.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import * as Status from "../apimachinery/Status.ts"
import { classAnnotation, classOf } from "./StorageClassOf.ts"

export type Verb = "CREATE" | "UPDATE" | "DELETE"

/** A validating webhook, as far as clients can see. */
export interface Webhook {
  /** Its name in the refusal, for example `policy.example.com`. */
  readonly name: string
  /** The reason to refuse, or undefined to let pass. */
  readonly refuse: (
    verb: Verb,
    object: KubeObject,
    previous: KubeObject | undefined,
    user: string | undefined
  ) => string | undefined
}

const defaultClass = (registry: Stored): string | undefined =>
  registry.store
    .list(storageclasses)
    .filter((each) => each.metadata.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true")
    // Of several the newest counts, since Kubernetes 1.26.
    .toSorted((left, right) =>
      left.metadata.creationTimestamp < right.metadata.creationTimestamp ? 1 : -1
    )[0]?.metadata.name

const sizeOf = (claim: KubeObject | undefined): number =>
  Quantity.parse(at(claim?.spec, "resources", "requests", "storage") ?? "0")

/** The PersistentVolumeClaimResize admission. */
const checkGrowth = (registry: Stored, claim: KubeObject, previous: KubeObject | undefined): void => {
  if (sizeOf(claim) <= sizeOf(previous) || stringAt(previous?.status, "phase") !== "Bound") return
  const name = classOf(claim)
  if (registry.store.get(storageclasses, undefined, name)?.allowVolumeExpansion === true) return
  throw Status.forbidden(
    persistentvolumeclaims,
    claim.metadata.name,
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
  )
}

const checkAccount = (registry: Stored, namespace: string, pod: Draft, told: string): void => {
  const name = stringAt(pod.spec, "serviceAccountName") ?? "default"
  // The default one is made a moment after its namespace: nobody is refused for that moment.
  if (name === "default" || registry.store.get(serviceaccounts, namespace, name) !== undefined) return
  throw Status.forbidden(
    pods,
    told,
    `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`
  )
}

const protectedNamespaces = ["default", "kube-system", "kube-public"]

export class Admission {
  readonly #webhooks: Set<Webhook>
  #addresses = 0

  constructor(webhooks: Set<Webhook>) {
    this.#webhooks = webhooks
  }

  /** `told`: the name that a refusal gives. */
  mutate(
    registry: Stored,
    type: ResourceType,
    namespace: string | undefined,
    draft: Draft,
    told: string
  ): Draft {
    if (namespace !== undefined) {
      const home = registry.store.get(namespaces, undefined, namespace)
      if (home === undefined) throw Status.notFound(namespaces, namespace)
      if (home.status.phase === "Terminating") {
        throw Status.forbidden(
          type,
          draft.metadata.name ?? "",
          `unable to create new content in namespace ${namespace} because it is being terminated`,
          [
            {
              reason: "NamespaceTerminating",
              message: `namespace ${namespace} is being terminated`,
              field: "metadata.namespace"
            }
          ]
        )
      }
    }
    if (!isObject(draft.spec)) return draft
    if (type === pods && namespace !== undefined) checkAccount(registry, namespace, draft, told)
    if (
      type === persistentvolumeclaims &&
      draft.spec["storageClassName"] === undefined &&
      draft.metadata.annotations?.[classAnnotation] === undefined
    ) {
      const name = defaultClass(registry)
      return name === undefined ? draft : { ...draft, spec: { ...draft.spec, storageClassName: name } }
    }
    if (
      type === services &&
      stringAt(draft.spec, "type") !== "ExternalName" &&
      at(draft.spec, "clusterIP") === undefined
    ) {
      const next = ++this.#addresses
      const address = `10.96.${(next >>> 8) & 255}.${next & 255}`
      return { ...draft, spec: { ...draft.spec, clusterIP: address, clusterIPs: [address] } }
    }
    return draft
  }

  validate(
    registry: Stored,
    type: ResourceType,
    verb: Verb,
    object: KubeObject,
    previous: KubeObject | undefined,
    options: { readonly user?: string }
  ): void {
    if (verb === "DELETE" && type === namespaces && protectedNamespaces.includes(object.metadata.name)) {
      throw Status.forbidden(type, object.metadata.name, "this namespace may not be deleted")
    }
    for (const webhook of this.#webhooks) {
      const why = webhook.refuse(verb, object, previous, options.user)
      if (why !== undefined)
        throw Status.plain(400, `admission webhook "${webhook.name}" denied the request: ${why}`)
    }
    if (verb === "UPDATE" && type === persistentvolumeclaims) checkGrowth(registry, object, previous)
    if (verb !== "DELETE") checkQuota(registry, type, object, previous)
  }
}
