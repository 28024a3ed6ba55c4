/** Privileges of the pods of a record that a copy gets only if they are allowed: pure. */

// oxlint-disable-next-line typescript/no-explicit-any -- manifests as a record has them, of any shape
type Json = any

const containersOf = (spec: Json): ReadonlyArray<Json> => [
  ...(spec?.initContainers ?? []),
  ...(spec?.containers ?? [])
]

/**
 * Volumes that a pod has for itself, or that are checked elsewhere: every other volume source is outside of
 * the pod, and the source uses it too.
 */
const ownVolumes: ReadonlySet<string> = new Set([
  "name",
  "configMap",
  "secret",
  "projected",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "image"
])

const reaching = (volume: Json): ReadonlyArray<string> =>
  Object.entries<Json>(volume)
    .filter(([key, source]) => !ownVolumes.has(key) && source != null)
    .map(([key, source]) => `volume ${volume.name} is ${key}${key === "hostPath" ? ` ${source.path}` : ""}`)

/** How the pods of a StatefulSet access their nodes, or storage other than their claims, in words. */
export const hostAccess = (set: Json): ReadonlyArray<string> => {
  const spec: Json = set?.spec?.template?.spec ?? {}
  return [
    ...["hostNetwork", "hostPID", "hostIPC"].filter((field) => spec[field] === true),
    ...(spec.volumes ?? []).flatMap(reaching),
    ...containersOf(spec).flatMap(({ name, securityContext, ports }: Json) => [
      ...(securityContext?.privileged === true ? [`container ${name} is privileged`] : []),
      ...(securityContext?.capabilities?.add ?? []).map(
        (one: Json) => `container ${name} has capability ${one}`
      ),
      ...(ports ?? []).flatMap(({ hostPort }: Json) =>
        hostPort ? [`container ${name} has host port ${hostPort}`] : []
      )
    ])
  ]
}

/** True if a NetworkPolicy has no effect on these pods. */
export const usesHostNetwork = (set: Json): boolean => set?.spec?.template?.spec?.hostNetwork === true

/** Claims that its pods name directly, and that no template creates. */
export const directClaims = (set: Json): ReadonlyArray<string> =>
  (set?.spec?.template?.spec?.volumes ?? []).flatMap(({ persistentVolumeClaim }: Json) =>
    persistentVolumeClaim == null ? [] : [String(persistentVolumeClaim.claimName)]
  )

export const imagesOf = (set: Json): ReadonlyArray<string> => [
  ...new Set(containersOf(set?.spec?.template?.spec).map(({ image }: Json) => String(image)))
]
