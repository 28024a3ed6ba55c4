/** Validation of metadata, for every kind. */
import type { Draft, OwnerReference } from "../../apimachinery/KubeObject.ts"
import { type FieldError, labels, qualifiedName, wrong } from "../../apimachinery/FieldError.ts"

const standardFinalizers = ["kubernetes", "orphan", "foregroundDeletion"]

const finalizerFaults = (finalizers: ReadonlyArray<string>): ReadonlyArray<FieldError> =>
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

const ownerFaults = (owners: ReadonlyArray<OwnerReference>): ReadonlyArray<FieldError> => {
  const controllers = owners.filter((owner) => owner.controller === true)
  return [
    ...owners.flatMap((owner) =>
      (["apiVersion", "kind", "name", "uid"] as const)
        .filter((field) => (owner[field] ?? "") === "")
        .map((field) =>
          wrong(
            `metadata.ownerReferences.${field}`,
            "",
            `${field === "apiVersion" ? "version " : ""}must not be empty`
          )
        )
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

/** All keys and values together, in bytes. k8s.io/apimachinery: TotalAnnotationSizeLimitB. */
const annotationLimit = 256 * 1024

const annotationFaults = (annotations: Readonly<Record<string, string>>): ReadonlyArray<FieldError> => {
  let size = 0
  for (const [key, value] of Object.entries(annotations)) size += key.length + value.length
  return size <= annotationLimit
    ? []
    : [
        {
          field: "metadata.annotations",
          reason: "FieldValueTooLong",
          message: `Too long: may not be more than ${annotationLimit} bytes`
        }
      ]
}

export const metadataFaults = ({ metadata }: Draft): ReadonlyArray<FieldError> => [
  ...labels("metadata.labels", metadata.labels ?? {}),
  ...Object.keys(metadata.annotations ?? {}).flatMap((key) =>
    qualifiedName("metadata.annotations", key.toLowerCase(), key)
  ),
  ...annotationFaults(metadata.annotations ?? {}),
  ...ownerFaults(metadata.ownerReferences ?? []),
  ...finalizerFaults(metadata.finalizers ?? [])
]

/** The server keeps one of each uid. */
export const uniqueOwners = (owners: ReadonlyArray<OwnerReference>): ReadonlyArray<OwnerReference> =>
  owners.filter((owner, index) => owners.findIndex((each) => each.uid === owner.uid) === index)
