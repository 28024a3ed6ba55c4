/** Validation and form of metadata, for every kind. */
import type { Draft, Metadata, OwnerReference } from "../../apimachinery/KubeObject.ts"
import { type FieldError, labels, qualifiedName, subdomain, wrong } from "../../apimachinery/FieldError.ts"
import type { ResourceType } from "../../apimachinery/ResourceType.ts"

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

const isEmpty = (value: object | string | undefined): boolean =>
  value === undefined ||
  value === "" ||
  (typeof value === "object" && (value === null || Object.keys(value).length === 0))

/** The server's encoding leaves out what is empty. */
export const omitEmpty = (metadata: Metadata): Metadata => {
  const { generateName, labels, annotations, finalizers, ownerReferences, managedFields, ...rest } = metadata
  return {
    ...rest,
    ...(generateName === undefined || isEmpty(generateName) ? {} : { generateName }),
    ...(labels === undefined || isEmpty(labels) ? {} : { labels }),
    ...(annotations === undefined || isEmpty(annotations) ? {} : { annotations }),
    ...(ownerReferences === undefined || isEmpty(ownerReferences)
      ? {}
      : { ownerReferences: uniqueOwners(ownerReferences) }),
    ...(finalizers === undefined || isEmpty(finalizers) ? {} : { finalizers }),
    ...(managedFields === undefined || isEmpty(managedFields) ? {} : { managedFields })
  }
}

/** These are labels, with their own rule; RBAC's names are path segments and may hold colons. */
export const nameFaults = (type: ResourceType, name: string): ReadonlyArray<FieldError> =>
  ["statefulsets", "services", "namespaces"].includes(type.resource) ||
  type.group === "rbac.authorization.k8s.io"
    ? []
    : subdomain("metadata.name", name)

/** A prefix may end in what a whole name may not. */
export const generatedFaults = (type: ResourceType, prefix: string): ReadonlyArray<FieldError> =>
  nameFaults(type, prefix.replace(/-$/, "a")).map(({ reason, message }) => ({
    field: "metadata.generateName",
    reason,
    message: message.replace(/^Invalid value: "[^"]*"/, `Invalid value: ${JSON.stringify(prefix)}`)
  }))
