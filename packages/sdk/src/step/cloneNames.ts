/**
 * Renaming of names, labels and host names when an application is restored as another one: pure.
 *
 * A name that is the application's, or begins with it and a dash, gets the new one in that place. Host
 * names are rewritten only if they are unambiguous.
 */
import * as Schema from "effect/Schema"

const { Literals, Struct } = Schema

/** The kinds of objects that are copied with a StatefulSet, in the order of their creation. */
export const clonedKinds = [
  "ServiceAccount",
  "ConfigMap",
  "Secret",
  "Service",
  "PodDisruptionBudget"
] as const
export const ClonedKind = Literals(clonedKinds)
export type ClonedKind = typeof ClonedKind.Type

/** An object of the record, and its name in the copy. */
export const ClonedObject = Struct({ kind: ClonedKind, from: Schema.String, to: Schema.String })
export type ClonedObject = typeof ClonedObject.Type

/** From which application to which: a StatefulSet's name and namespace on each side. */
export const Renaming = Struct({
  from: Struct({ namespace: Schema.String, name: Schema.String }),
  to: Struct({ namespace: Schema.String, name: Schema.String }),
  objects: Schema.Array(ClonedObject),
  /** A label whose value is set to the new name, if the name alone would change no label of the selector. */
  label: Schema.NullOr(Struct({ key: Schema.String, value: Schema.String }))
})
export type Renaming = typeof Renaming.Type

/** A name with the new application's in the place of the old one's. */
export const renamed = ({ from, to }: Pick<Renaming, "from" | "to">, name: string): string =>
  name === from.name || name.startsWith(`${from.name}-`) ? `${to.name}${name.slice(from.name.length)}` : name

/** The name of an object in the copy; an object that is not copied keeps its name. */
export const nameOf = (renaming: Renaming, kind: ClonedKind, name: string): string =>
  renaming.objects.find((one) => one.kind === kind && one.from === name)?.to ?? name

/** The value of a label, or of a selector, of this key. */
export const labelValue = (renaming: Renaming, key: string, value: string): string =>
  renaming.label?.key === key && renaming.label.value === value ? renaming.to.name : renamed(renaming, value)

type Labels = Readonly<Record<string, unknown>>

export const labelsOf = (renaming: Renaming, labels: unknown): Labels =>
  Object.fromEntries(
    Object.entries(Object(labels)).map(([key, value]) => [
      key,
      typeof value === "string" ? labelValue(renaming, key, value) : value
    ])
  )

/** The usual labels that say which instance an object is of. */
const instance = ["app.kubernetes.io/instance", "app", "app.kubernetes.io/name", "name"]

/**
 * The label that has to be changed because no other label of the selector differs; `null` if the names
 * differ.
 */
export const distinguishing = (
  renaming: Omit<Renaming, "label" | "objects">,
  selector: Readonly<Record<string, string>>
): Renaming["label"] => {
  const { from, to } = renaming
  const isChanged = Object.values(selector).some((value) => renamed(renaming, value) !== value)
  if (isChanged || (from.namespace !== to.namespace && from.name === to.name)) return null
  const key = instance.find((one) => Object.hasOwn(selector, one)) ?? Object.keys(selector).toSorted()[0]
  const value = key === undefined ? undefined : selector[key]
  return key === undefined || value === undefined ? null : { key, value }
}

const escaped = (text: string): string => text.replaceAll(/[.\\^$*+?()[\]{}|-]/g, String.raw`\$&`)

/**
 * Host names of the source in a text: `<service>.<namespace>`, `<pod>.<service>`, `//<service>` and
 * `@<service>` before a port, a path or the end. A bare word may mean anything, and is left.
 */
export const hostsIn = (renaming: Renaming, text: string): string => {
  const { from, to } = renaming
  const edge = "(?![A-Za-z0-9_-])"
  return renaming.objects
    .filter(({ kind }) => kind === "Service")
    .reduce((now, service) => {
      const name = escaped(service.from)
      const pod = String.raw`${escaped(from.name)}-(\d+)`
      const full = new RegExp(
        String.raw`(?<![A-Za-z0-9_.-])(?:${pod}\.)?${name}\.${escaped(from.namespace)}${edge}`,
        "g"
      )
      const short = new RegExp(String.raw`(?<![A-Za-z0-9_.-])${pod}\.${name}(?![A-Za-z0-9_.-])`, "g")
      const inUrl = new RegExp(String.raw`(?<=//|@)${name}(?=[:/]|$)`, "g")
      const member = (ordinal: string | undefined) => (ordinal === undefined ? "" : `${to.name}-${ordinal}.`)
      return now
        .replaceAll(
          full,
          (_, ordinal: string | undefined) => `${member(ordinal)}${service.to}.${to.namespace}`
        )
        .replaceAll(short, (_, ordinal: string | undefined) => `${member(ordinal)}${service.to}`)
        .replaceAll(inUrl, service.to)
    }, text)
}
