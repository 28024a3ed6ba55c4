/**
 * The last writer of a workload's `spec.replicas`, in `metadata.managedFields`: the only field tracked here
 * of those that a real server tracks. Entries from a client are kept.
 */
import { at, isObject, set, stringAt } from "../apimachinery/Json.ts"
import type { KubeObject, Metadata } from "../apimachinery/KubeObject.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"

export interface Writer {
  /** The request's fieldManager, else its User-Agent up to the slash. Default: the controllers' own. */
  readonly manager?: string
  readonly subresource?: "status" | "scale"
}

const replicas = { "f:spec": { "f:replicas": {} } }

const withoutReplicas = (entry: unknown): ReadonlyArray<unknown> => {
  const spec = at(entry, "fieldsV1", "f:spec")
  if (!isObject(spec) || spec["f:replicas"] === undefined) return [entry]
  const { "f:replicas": _, ...others } = spec
  const left = set(
    at(entry, "fieldsV1"),
    ["f:spec"],
    Object.keys(others).filter((key) => key !== ".").length === 0 ? undefined : others
  )
  return isObject(left) && Object.values(left).some((value) => value !== undefined)
    ? [set(entry, ["fieldsV1"], left)]
    : []
}

/** The managedFields of an object that is about to be written. */
export const track = (
  type: ResourceType,
  next: KubeObject,
  previous: KubeObject | undefined,
  { manager = "kube-controller-manager", subresource }: Writer,
  now: number
): Metadata["managedFields"] => {
  const entries = next.metadata.managedFields ?? []
  const isOther =
    !type.subresources.includes("scale") || at(next.spec, "replicas") === at(previous?.spec, "replicas")
  if (isOther) return next.metadata.managedFields
  // A client that writes the whole object may send a list that contains it already.
  const others = entries.flatMap(withoutReplicas)
  const isSame = (entry: unknown): boolean =>
    stringAt(entry, "manager") === manager &&
    stringAt(entry, "operation") === "Update" &&
    stringAt(entry, "subresource") === subresource
  const own = others.find(isSame)
  const fields = at(own, "fieldsV1")
  const spec = at(fields, "f:spec")
  return [
    ...others.filter((entry) => !isSame(entry)),
    {
      manager,
      operation: "Update",
      apiVersion: next.apiVersion,
      ...(subresource === "scale" ? {} : { time: Timestamp.fromMillis(now) }),
      fieldsType: "FieldsV1",
      fieldsV1: isObject(fields)
        ? { ...fields, "f:spec": { ...(isObject(spec) ? spec : {}), "f:replicas": {} } }
        : replicas,
      ...(subresource === undefined ? {} : { subresource })
    }
  ]
}
