/** What may stand in an object's metadata, whatever its kind. */
import type { Draft, OwnerReference } from "../KubeObject.ts"
import type { Fault } from "../ResourceType.ts"
import { qualifiedName, labels, wrong } from "./Fault.ts"

const standardFinalizers = ["kubernetes", "orphan", "foregroundDeletion"]

const finalizerFaults = (finalizers: ReadonlyArray<string>): ReadonlyArray<Fault> =>
  finalizers.flatMap((name, index) => {
    const faults = qualifiedName("metadata.finalizers", name)
    if (faults.length > 0 || name.includes("/") || standardFinalizers.includes(name)) return faults
    return [
      wrong(
        `metadata.finalizers[${index}]`,
        name,
        "name is neither a standard finalizer name nor is it fully qualified"
      )
    ]
  })

const ownerFaults = (owners: ReadonlyArray<OwnerReference>): ReadonlyArray<Fault> => {
  const controllers = owners.filter((owner) => owner.controller === true)
  return [
    ...owners.flatMap((owner) =>
      (["apiVersion", "kind", "name", "uid"] as const)
        .filter((field) => (owner[field] ?? "") === "")
        .map((field) => wrong(`metadata.ownerReferences.${field}`, "", "must not be empty"))
    ),
    ...controllers
      .slice(1)
      .map((owner) =>
        wrong(
          "metadata.ownerReferences",
          owners,
          `Only one reference can have Controller set to true. Found "true" in references for ${controllers[0]?.kind}/${controllers[0]?.name} and ${owner.kind}/${owner.name}`
        )
      )
  ]
}

export const metadataFaults = ({ metadata }: Draft): ReadonlyArray<Fault> => [
  ...labels("metadata.labels", metadata.labels ?? {}),
  ...Object.keys(metadata.annotations ?? {}).flatMap((key) =>
    qualifiedName("metadata.annotations", key.toLowerCase(), key)
  ),
  ...ownerFaults(metadata.ownerReferences ?? []),
  ...finalizerFaults(metadata.finalizers ?? [])
]

/** The server keeps one of each uid. */
export const uniqueOwners = (owners: ReadonlyArray<OwnerReference>): ReadonlyArray<OwnerReference> =>
  owners.filter((owner, index) => owners.findIndex((each) => each.uid === owner.uid) === index)
