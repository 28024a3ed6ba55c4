/** Where an application can go that nothing holds: to any cluster, or to one with what it needs. */
import type { AppState } from "../state/AppState.ts"
import { needsOnTarget, needText } from "./needs.ts"
import { claimsToCome } from "./parts.ts"
import { type Evidence, type Facts, unknown, yes } from "./rule.ts"
import { names, verb } from "./words.ts"

/** The listed requirements of the target: others are part of the manifests, or have a rule of their own. */
const words: Readonly<Record<string, string>> = {
  default: "default",
  StorageClass: "StorageClass",
  CSIDriver: "driver",
  provisioner: "provisioner",
  Secret: "Secret",
  "node label": "nodes with label",
  PriorityClass: "PriorityClass",
  RuntimeClass: "RuntimeClass",
  ClusterTrustBundle: "ClusterTrustBundle",
  SecretProviderClass: "SecretProviderClass",
  "cloud role": "cloud role"
}

/** Terms in lines of at most this many characters: none of them is left out. */
const inLines = (terms: ReadonlyArray<string>, head: number): ReadonlyArray<string> => {
  const lines: Array<Array<string>> = [[]]
  for (const term of terms) {
    const line = lines.at(-1) ?? []
    // A line has room for three.
    if (line.length > 0 && (line.length === 3 || head + names([...line, term]).length > 100)) {
      lines.push([term])
    } else line.push(term)
  }
  return lines.map((line) => names(line))
}

/** Claims that nothing provisions a volume for: they name no class, and none is the default. */
const classless = ({ claims, protection: { storageClasses } }: AppState): ReadonlyArray<string> =>
  storageClasses === null || storageClasses.some(({ isDefault }) => isDefault)
    ? []
    : claims
        .filter(({ leftover, storageClass, volume }) => !leftover && volume === null && !storageClass)
        .map(({ name }) => name)

export const portable = ({ state, settings }: Facts): ReadonlyArray<Evidence> => {
  const needs = Map.groupBy(
    // The content of a SecretProviderClass is of the vault that the cluster is registered with.
    needsOnTarget(state).filter(({ kind, of }) => of === "cluster" || kind === "SecretProviderClass"),
    ({ kind }) => kind
  )
  const told = Object.entries(words).flatMap(([kind, word]) => {
    const all = (needs.get(kind) ?? []).map(({ name }) => name)
    return all.length === 0 ? [] : [`${word} ${names(all)}`]
  })
  const target = settings.target
  const toCome = claimsToCome(state)
  if (toCome.length > 0) {
    return [
      unknown(
        `${names(toCome)} ${verb(toCome, "does", "do")} not exist yet: cannot tell where the data will be`,
        toCome.map((name) => `PersistentVolumeClaim/${name}`)
      )
    ]
  }
  const waiting = classless(state)
  if (waiting.length > 0) {
    return [
      unknown(
        `${names(waiting)} ${verb(waiting, "waits", "wait")} for a volume without a StorageClass: cannot tell where the data will be`,
        waiting.map((name) => `PersistentVolumeClaim/${name}`)
      )
    ]
  }
  const objects = ["StorageClass", "CSIDriver"].flatMap((kind) => (needs.get(kind) ?? []).map(needText))
  if (told.length === 0 && target === null) return [yes("to any cluster: it has no claims", objects)]
  const head = target === null ? "to a cluster with " : `${target.name} has what it needs: `
  if (told.length === 0) return [yes(`${target?.name} has everything that it needs`, [])]
  return inLines(told, head.length).map((line, index) =>
    index > 0 ? yes(`and with ${line}`, []) : yes(`${head}${line}`, target === null ? objects : [])
  )
}
