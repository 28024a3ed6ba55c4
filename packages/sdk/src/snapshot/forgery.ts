/**
 * Checks whether a file contains a record that this tool could have written, of this namespace only: pure.
 * The author of a file must not be able to name objects of other applications.
 */
import * as Schema from "effect/Schema"
import { isSetName, longestName, RecordedKind, type SnapshotRecord } from "../step/record.ts"
import { isObjectName } from "../ObjectName.ts"

/** A snapshot handle of a storage system: without control characters, and of limited length. */
const isHandle = (text: string): boolean => text.length <= 1024 && /^[!-~]([ -~]*[!-~])?$/.test(text)

/** The versions in which the kinds of a record are served. */
const versions: Readonly<Record<typeof RecordedKind.Type, string>> = {
  StatefulSet: "apps/v1",
  Deployment: "apps/v1",
  Service: "v1",
  ConfigMap: "v1",
  Secret: "v1",
  ServiceAccount: "v1",
  PodDisruptionBudget: "policy/v1",
  HorizontalPodAutoscaler: "autoscaling/v2"
}

/** Claims of a set at most. */
const mostCuts = 10_000

/** The saved text of one member is a few lines, and not a file of any kind. */
const longestText = 65_536

const twice = (texts: ReadonlyArray<string>): boolean => new Set(texts).size < texts.length

const strangeManifest = (object: Readonly<Record<string, unknown>>, namespace: string): string | null => {
  const { kind, apiVersion } = object
  const metadata: unknown = object["metadata"]
  const name: unknown = Reflect.get(Object(metadata), "name")
  if (!Schema.is(RecordedKind)(kind) || apiVersion !== versions[kind]) {
    // Anything may stand in the place of a kind, a Secret's value too.
    const isWord = typeof kind === "string" && /^[A-Za-z]{1,63}$/.test(kind)
    return isWord ? `a manifest of kind ${kind}` : "a manifest of no kind"
  }
  if (typeof name !== "string" || !isObjectName(name)) return `a ${kind} without a name`
  return Reflect.get(Object(metadata), "namespace") === namespace
    ? null
    : `${kind}/${name} of another namespace`
}

/** The part of a record that is impossible; `null` if there is none. */
export const strange = (record: SnapshotRecord, namespace: string): string | null => {
  const { name, app, cuts, created, objects } = record
  if (app.namespace !== namespace) return "an application of another namespace"
  if (!isSetName(name)) return `a name that is not one of at most ${longestName} characters`
  if (app._tag === "StatefulSet" && !isObjectName(app.name)) return "an application without a name"
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(created)) return "no time at which it was taken"
  if (cuts.length > mostCuts) return `${cuts.length} claims`
  if (twice(cuts.map(({ claim }) => claim))) return "a claim twice"
  if (twice(cuts.map(({ driver, snapshotHandle }) => `${driver} ${snapshotHandle}`)))
    return "a volume snapshot twice"
  const cut = cuts.find(
    ({ claim, driver, snapshotHandle }) =>
      !isObjectName(claim) || !isObjectName(driver) || (snapshotHandle !== null && !isHandle(snapshotHandle))
  )
  if (cut !== undefined) return `an invalid volume snapshot: ${JSON.stringify(cut.claim.slice(0, 63))}`
  const kept = record.quiesced?.waves?.kept ?? []
  if (kept.some(({ text = "" }) => text.length > longestText || text.includes("\0")))
    return "an invalid saved text"
  if (twice(kept.map((one) => `${one.ordinal} ${one.name}`))) return "a saved text twice"
  return objects.map((object) => strangeManifest(object, namespace)).find((why) => why !== null) ?? null
}
