/** What a command was not allowed: the way to the Role that it needs, and what it has gone on without. */
import * as Access from "@kubectl-stateful/sdk/Access"
import { Cluster, ClusterError, type Request } from "@kubectl-stateful/sdk/Cluster"
import { amended, OperationError } from "@kubectl-stateful/sdk/operation/OperationError"
import { describeRule, type Rule } from "@kubectl-stateful/sdk/operation/Plan"
import { shellWord } from "@kubectl-stateful/sdk/ShellWord"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ended, visible } from "../print/terminal.ts"
import type { Screen } from "./screen.ts"

/** A command line, as far as its Role depends on it. */
export interface Asking {
  /** Its first word. */
  readonly command: string
  readonly flags: object
}

const verbOf = (command: string): Access.Verb | undefined => Access.verbs.find((verb) => verb === command)

/** Operations of any command are resumed and aborted. */
const ofAny: ReadonlySet<string> = new Set(["resume", "abort"])

const flagOf = (flags: object, name: string): unknown => Reflect.get(flags, name)

/** The command that prints the Role; `null` if none is needed. */
const rbacCommand = ({ command, flags }: Asking, namespace: string): string | null => {
  const verb = verbOf(command)
  if (verb === undefined && !ofAny.has(command)) return null
  const target = flagOf(flags, "to-namespace")
  const more = [
    ...(verb === undefined ? [] : [verb]),
    ...(typeof target === "string" ? ["--to-namespace", shellWord(target)] : []),
    ...(flagOf(flags, "all-namespaces") === true ? ["-A"] : ["-n", shellWord(namespace)])
  ]
  return `\`kubectl stateful rbac ${more.join(" ")}\``
}

/** The error with the command that prints the Role which it lacks. */
const withWay = <E>(error: E, way: string): E => {
  const isKnown = error instanceof ClusterError || error instanceof OperationError
  if (!isKnown || error.permission === undefined) return error
  const { rest } = error.permission
  const action = `ask an administrator to apply what ${way} prints${rest === null ? "" : `; ${rest}`}`
  return amended(error, { action }) as E
}

/** The rule that a read needs; `null` if it is of no resource. */
const ruleOf = ({ path }: Request, isWatch: boolean): Rule | null => {
  const found =
    /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)\/(?:namespaces\/([^/]+)\/(?=.))?([^/]+)(?:\/([^/]+)(?:\/([^/]+))?)?/.exec(
      path
    )
  if (found === null) return null
  const [, group = "", namespace = null, resource = "", name, subresource = null] = found
  const verb = isWatch ? "watch" : name === undefined ? "list" : "get"
  return { verb, group, resource, subresource, namespace }
}

/** Rules that were missing, by what they say. */
type Unseen = Map<string, Rule>

/** The cluster, with each rule noted without which something could not be read. */
const noting = (cluster: Cluster["Service"], unseen: Unseen): Cluster["Service"] => {
  const note = (request: Request, isWatch: boolean) => {
    const rule = ruleOf(request, isWatch)
    if (rule !== null) unseen.set(describeRule(rule), rule)
  }
  return {
    ...cluster,
    request: (request) =>
      Effect.tap(cluster.request(request), ({ status }) =>
        Effect.sync(() => {
          if (status === 403 && request.method === "GET") note(request, false)
        })
      ),
    watch: (request) =>
      Stream.tapError(cluster.watch(request), ({ reason }) =>
        Effect.sync(() => {
          if (reason._tag === "Forbidden") note(request, true)
        })
      )
  }
}

/** These say so themselves, where it is missing. */
const sayThemselves: ReadonlySet<string> = new Set(["describe", "peers", "report"])

const unseenLine = (verb: Access.Verb, unseen: Unseen, way: string): string | null => {
  const needed = Access.needsOf(verb).map(({ resource }) => resource)
  const used = [...unseen].flatMap(([words, { resource, subresource }]) =>
    needed.includes(subresource === null ? resource : `${resource}/${subresource}`) ? [words] : []
  )
  return used.length === 0 || sayThemselves.has(verb)
    ? null
    : `Warning: no permission to ${used.toSorted().join(", ")}; ${way} prints the Role, and what each rule is for`
}

/** The effect, with what it was not allowed told: as its error's way out, or on stderr if it went on. */
export const permitted = <E>(
  screen: Screen,
  asking: Asking,
  effect: Effect.Effect<void, E, Cluster>
): Effect.Effect<void, E, Cluster> =>
  Effect.flatMap(Cluster, (cluster) => {
    const way = rbacCommand(asking, cluster.origin.namespace)
    const verb = verbOf(asking.command)
    const unseen: Unseen = new Map()
    const noted = Effect.provideService(effect, Cluster, noting(cluster, unseen))
    if (way === null) return noted
    return Effect.mapError(noted, (error) => withWay(error, way)).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          const line = verb === undefined ? null : unseenLine(verb, unseen, way)
          if (line !== null) screen.err(ended([visible(line)]))
        })
      )
    )
  })
