/** What a verb asks of the API server, as rules of RBAC. */

/** In the application's namespace, in that of a copy, or of the whole cluster. */
export type Place = "app" | "target" | "cluster"

export interface Need {
  readonly in: Place
  readonly group: string
  /** With its subresource: `pods/exec`. */
  readonly resource: string
  readonly verbs: ReadonlyArray<string>
  /** The only objects. Absent: all. */
  readonly names?: ReadonlyArray<string>
  /** The flags that need it: `with --purge`. Absent: it is always needed. */
  readonly when?: ReadonlyArray<string>
  /** True if the verb goes on without it. */
  readonly optional?: true
}

/** One line of the table: `app apps/statefulsets get,list optional: with -l; with --all`. */
export const format = ({ in: place, group, resource, verbs, names, optional, when }: Need): string => {
  const named = names === undefined ? "" : ` of ${names.join(",")}`
  const flags = when === undefined ? "" : `: ${when.join("; ")}`
  return `${place} ${group}/${resource} ${verbs.join(",")}${named}${optional === true ? " optional" : ""}${flags}`
}

const line = /^(app|target|cluster) ([^/]*)\/(\S+) ([a-z,]+)(?: of (\S+?))?( optional)?(?:: (.*))?$/

/** What a line says. */
export const parse = (text: string): Need => {
  const found = line.exec(text)
  if (found === null) throw new Error(`not a need: ${text}`)
  const [, place, group = "", resource = "", verbs = "", names, optional, when] = found
  return {
    in: place as Place,
    group,
    resource,
    verbs: verbs.split(","),
    ...(names === undefined ? {} : { names: names.split(",") }),
    ...(optional === undefined ? {} : { optional: true }),
    ...(when === undefined ? {} : { when: when.split("; ") })
  }
}
