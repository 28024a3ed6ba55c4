/** The part that every Kubernetes object has. */
import { isObject } from "./Json.ts"

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface Metadata {
  readonly name: string
  readonly generateName?: string
  /** Absent for objects of the whole cluster. */
  readonly namespace?: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation?: number
  /** RFC 3339, whole seconds. */
  readonly creationTimestamp: string
  readonly deletionTimestamp?: string
  readonly deletionGracePeriodSeconds?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: ReadonlyArray<string>
  readonly ownerReferences?: ReadonlyArray<OwnerReference>
  readonly managedFields?: ReadonlyArray<unknown>
}

export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Metadata
  readonly spec?: unknown
  readonly status?: unknown
}

/** An object as a client sends it: the server fills in the rest of its metadata. */
export interface Draft {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Partial<Metadata>
  readonly spec?: unknown
  readonly status?: unknown
}

export const isDraft = (value: unknown): value is Draft =>
  isObject(value) &&
  typeof value["apiVersion"] === "string" &&
  typeof value["kind"] === "string" &&
  isObject(value["metadata"])

/** `namespace/name`, as controllers queue an object. */
export const keyOf = ({ metadata }: { readonly metadata: Pick<Metadata, "namespace" | "name"> }): string =>
  `${metadata.namespace ?? ""}/${metadata.name}`

/** The reference of the one owner that manages the object, if any. */
export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((owner) => owner.controller === true)

/** A reference that makes `owner` the managing owner. */
export const controlledBy = (owner: KubeObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true
})
