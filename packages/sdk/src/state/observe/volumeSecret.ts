/**
 * Secrets that a CSI driver is called with: a volume names them, and a class does for volumes to come.
 * Most are in the driver's own namespace.
 */
import type { PersistentVolume, StorageClass } from "../../kind/Storage.ts"

export interface VolumeSecret {
  readonly namespace: string
  readonly name: string
  /** The field of the volume, or the parameter of the class without its ending: `nodeStageSecretRef`, `node-stage`. */
  readonly how: string
}

const fields = [
  "controllerPublishSecretRef",
  "nodeStageSecretRef",
  "nodePublishSecretRef",
  "controllerExpandSecretRef",
  "nodeExpandSecretRef"
] as const

export const secretsOfVolume = ({ spec: { csi } }: PersistentVolume): ReadonlyArray<VolumeSecret> =>
  fields.flatMap((how) => {
    const { name, namespace } = csi?.[how] ?? {}
    return name && namespace ? [{ namespace, name, how }] : []
  })

const parameter =
  /^csi\.storage\.k8s\.io\/((provisioner|controller-publish|node-stage|node-publish|controller-expand|node-expand)-secret)-name$/

/**
 * For claims of this namespace. A name that is made of the claim's or the volume's own is left out:
 * each volume has it in full.
 */
export const secretsOfClass = (
  { parameters }: StorageClass,
  claimsIn: string
): ReadonlyArray<VolumeSecret> => {
  const all = parameters ?? {}
  const filled = (value: string | undefined) => value?.replaceAll("${pvc.namespace}", claimsIn) ?? ""
  return Object.entries(all).flatMap(([key, value]) => {
    const [, stem = "", what = ""] = parameter.exec(key) ?? []
    if (stem === "") return []
    const name = filled(value)
    const namespace = filled(all[`csi.storage.k8s.io/${stem}-namespace`])
    return name === "" || namespace === "" || `${name}${namespace}`.includes("${")
      ? []
      : [{ namespace, name, how: what }]
  })
}
