/** The StorageClass of a claim or a volume: the older annotation takes precedence over the field. */
import { stringAt } from "../apimachinery/Json.ts"
import type { Draft } from "../apimachinery/KubeObject.ts"

export const classAnnotation = "volume.beta.kubernetes.io/storage-class"

/** Empty where none is named. */
export const classOf = ({ metadata, spec }: Draft): string =>
  metadata.annotations?.[classAnnotation] ?? stringAt(spec, "storageClassName") ?? ""
