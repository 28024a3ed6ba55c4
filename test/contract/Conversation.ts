/**
 * A script talks to a cluster and every answer is written down: one exchange is one
 * request, one watch or one exec with its answer.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Cluster, ClusterError, Request, WatchEvent } from "../../packages/sdk/src/Cluster.ts"
import { text } from "./Field.ts"
import { isObject, type Json, Normal } from "./Normal.ts"
import { objectOf, open, type Watching } from "./Watching.ts"

export { at, byText, outcome, text } from "./Field.ts"

/** One exchange, as it is compared and kept. */
export interface Exchange {
  readonly ask: string
  readonly answer: Json
}

/** As a rule of a Role; it holds in the script's own namespace. */
export interface Rule {
  readonly verbs: ReadonlyArray<string>
  readonly apiGroups: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly resourceNames?: ReadonlyArray<string>
}

/** A cluster that scripts can be run on. */
export interface Bed {
  readonly name: string
  readonly cluster: Cluster["Service"]
  /** The cluster as somebody who may do what the rules say and no more. */
  readonly as: (
    user: string,
    namespace: string,
    rules: ReadonlyArray<Rule>
  ) => Effect.Effect<Cluster["Service"], ClusterError, Scope.Scope>
  /** Nothing is heard of a node's kubelet from now on; on a real cluster a script's node has none. */
  readonly silence: (node: string) => void
  /** Makes all versions until now too old to watch from. */
  readonly forget: Effect.Effect<void>
}

export interface Asking {
  readonly headers?: Readonly<Record<string, string>>
  readonly as?: Cluster["Service"]
  /** Top-level fields that a controller may be changing meanwhile. */
  readonly without?: ReadonlyArray<string>
  /** What of the answer is compared. Default: all of it. */
  readonly show?: (body: Json) => Json
}

export type Body = Json | object | undefined

/** Resources that scripts name shortly; all others are named by their whole path. */
const shortly: Readonly<Record<string, string>> = {
  statefulsets: "apps/v1",
  deployments: "apps/v1",
  replicasets: "apps/v1",
  controllerrevisions: "apps/v1",
  leases: "coordination.k8s.io/v1",
  poddisruptionbudgets: "policy/v1",
  endpointslices: "discovery.k8s.io/v1",
  volumesnapshots: "snapshot.storage.k8s.io/v1",
  volumegroupsnapshots: "groupsnapshot.storage.k8s.io/v1",
  roles: "rbac.authorization.k8s.io/v1",
  rolebindings: "rbac.authorization.k8s.io/v1",
  jobs: "batch/v1"
}

const patchTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json"
} as const

/** Of a PATCH that is written out: a merge patch. */
export const merge = { headers: { "content-type": patchTypes.merge } }

const decoder = new TextDecoder()

const parse = (body: string): Json => {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}

const versionOf = (event: WatchEvent): number => Number(text(objectOf(event), "metadata.resourceVersion"))

const wordsOf = (stream: Stream.Stream<Uint8Array, ClusterError>): Effect.Effect<string, ClusterError> =>
  Stream.mkString(Stream.decodeText(stream))

interface Answered {
  readonly status: number
  readonly type: string
  readonly body: Json
}

export class Conversation {
  readonly namespace: string
  readonly bed: Bed
  readonly exchanges: Array<Exchange> = []
  readonly #normal: Normal

  /** The namespace ends in a number and in letters that make this run's names its own. */
  constructor(bed: Bed, namespace: string) {
    this.bed = bed
    this.namespace = namespace
    const [number = "", letters = ""] = namespace.split("-").slice(-2)
    this.#normal = new Normal([
      [namespace, "<ns>"],
      [`${number}-${letters}`, "<run>"],
      [letters, "<run>"]
    ])
  }

  record(ask: string, answer: Json): void {
    const asked = ask.replace(/continue=[\w%-]{30,}/, "continue=<token>")
    this.exchanges.push({ ask: this.#normal.text(asked), answer: this.#normal.json(answer) })
  }

  path(shorthand: string): string {
    const [path = "", query] = shorthand.split("?")
    const resource = path.split("/")[0] ?? ""
    const group = shortly[resource] ?? "v1"
    const root = group === "v1" ? "/api/v1" : `/apis/${group}`
    const whole = path.startsWith("/") ? path : `${root}/namespaces/${this.namespace}/${path}`
    return query === undefined ? whole : `${whole}?${query}`
  }

  request(method: Request["method"], shorthand: string, body: Body, asking: Asking = {}): Request {
    const [path = "", query] = this.path(shorthand).split("?")
    return {
      method,
      path,
      ...(query === undefined ? {} : { query: [...new URLSearchParams(query)] }),
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...asking.headers
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
    }
  }

  #send(request: Request, as: Cluster["Service"]): Effect.Effect<Answered, ClusterError> {
    return Effect.scoped(
      Effect.gen(function* () {
        const { status, headers, body } = yield* as.request(request)
        const chunks = yield* Stream.runCollect(body)
        let read = ""
        for (const chunk of chunks) read += decoder.decode(chunk, { stream: true })
        return { status, type: headers["content-type"] ?? "", body: parse(read) }
      })
    )
  }

  /** Sends a request and writes its answer down. */
  ask(
    method: Request["method"],
    path: string,
    body?: Body,
    asking: Asking = {}
  ): Effect.Effect<Json, ClusterError> {
    return Effect.map(
      this.#send(this.request(method, path, body, asking), asking.as ?? this.bed.cluster),
      (answer) => {
        const left = isObject(answer.body)
          ? Object.fromEntries(
              Object.entries(answer.body).filter(([key]) => asking.without?.includes(key) !== true)
            )
          : answer.body
        this.record(`${method} ${path}`, {
          status: answer.status,
          body: asking.show === undefined ? left : asking.show(answer.body)
        })
        return answer.body
      }
    )
  }

  /** Sends a request of which nothing is written down; an answer of 400 and more is the script's own fault. */
  quietly(
    method: Request["method"],
    path: string,
    body?: Body,
    asking: Asking = {}
  ): Effect.Effect<Json, ClusterError> {
    return Effect.map(
      this.#send(this.request(method, path, body, asking), asking.as ?? this.bed.cluster),
      (answer) => {
        if (answer.status >= 400)
          throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
        return answer.body
      }
    )
  }

  /** Sends a request, a dry run, say, until its answer fits. Nothing is written down. */
  untilAnswered(
    method: Request["method"],
    path: string,
    body: Body,
    fits: (body: Json) => boolean
  ): Effect.Effect<void, ClusterError> {
    const ask = this.#send(this.request(method, path, body), this.bed.cluster)
    return Effect.gen(function* () {
      let last: Json = null
      for (let tries = 0; tries < 1200; tries++) {
        last = (yield* ask).body
        if (fits(last)) return
        yield* Effect.sleep(100)
      }
      throw new Error(`${method} ${path} was never answered as the script waits for: ${JSON.stringify(last)}`)
    })
  }

  /** Sends a request whose answer does not matter. */
  silently(method: Request["method"], path: string, body?: Body, asking: Asking = {}) {
    const request = this.request(method, path, body, asking)
    return Effect.asVoid(this.#send(request, asking.as ?? this.bed.cluster))
  }

  get(path: string, asking?: Asking) {
    return this.ask("GET", path, undefined, asking)
  }
  post(path: string, body: Body, asking?: Asking) {
    return this.ask("POST", path, body, asking)
  }
  put(path: string, body: Body, asking?: Asking) {
    return this.ask("PUT", path, body, asking)
  }
  remove(path: string, body?: Body, asking?: Asking) {
    return this.ask("DELETE", path, body, asking)
  }
  patch(type: keyof typeof patchTypes, path: string, body: Body, asking: Asking = {}) {
    return this.ask("PATCH", path, body, {
      ...asking,
      headers: { "content-type": patchTypes[type], ...asking.headers }
    })
  }
  json(path: string, body: Body, asking?: Asking) {
    return this.patch("json", path, body, asking)
  }
  merge(path: string, body: Body, asking?: Asking) {
    return this.patch("merge", path, body, asking)
  }
  strategic(path: string, body: Body, asking?: Asking) {
    return this.patch("strategic", path, body, asking)
  }

  /**
   * Reads until it fits, two minutes by default: controllers may have other work. Nothing is written
   * down. Answers undefined for what is not there.
   */
  until(
    path: string,
    fits: (body: Json | undefined) => boolean,
    limit = 1200
  ): Effect.Effect<Json | undefined, ClusterError> {
    const ask = this.#send(this.request("GET", path, undefined), this.bed.cluster)
    return Effect.gen(function* () {
      let last: Json | undefined
      for (let tries = 0; tries < limit; tries++) {
        const answer = yield* ask
        last = answer.status === 404 ? undefined : answer.body
        if (fits(last)) return last
        yield* Effect.sleep(100)
      }
      throw new Error(
        `${path} never became what the script waits for: ${JSON.stringify(last ?? null).slice(0, 1600)}`
      )
    })
  }

  /**
   * All that happened between two versions. A server that is busy ends a watch in time even where it has
   * not told all yet: that it has, a bookmark says, which comes two seconds before the end.
   */
  #told(path: string, since: string, until: number): Effect.Effect<ReadonlyArray<WatchEvent>, ClusterError> {
    const { cluster, name } = this.bed
    const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${since}&timeoutSeconds=3`
    const request = this.request("GET", `${path}${path.includes("?") ? "&" : "?"}${query}`, undefined)
    const isAll = (event: WatchEvent) => event.type === "BOOKMARK" && versionOf(event) >= until
    return Effect.gen(function* () {
      for (let tries = 0; tries < 40; tries++) {
        const events = yield* Stream.runCollect(Stream.takeUntil(cluster.watch(request), isAll))
        // The sandbox tells what there is before it ends.
        if (name === "sandbox" || events.some(isAll)) return events.filter(({ type }) => type !== "BOOKMARK")
      }
      throw new Error(`${path} was never told up to ${until}`)
    })
  }

  /**
   * What has happened since a version, over several kinds, in the order of the
   * versions: all kinds of a server count with one counter. A fact that an object
   * has told already is left out.
   */
  history(
    ask: string,
    since: string,
    paths: ReadonlyArray<string>,
    fact: (object: Json, gone: boolean) => ReadonlyArray<string>
  ): Effect.Effect<ReadonlyArray<string>, ClusterError> {
    const versions = Effect.forEach(paths, (path) => this.version(path))
    const told = (path: string, until: number) => this.#told(path, since, until)
    const record = (facts: ReadonlyArray<string>) => this.record(ask, facts)
    return Effect.gen(function* () {
      const until = Math.max(...(yield* versions).map(Number))
      const found: Array<{ readonly version: number; readonly object: Json; readonly gone: boolean }> = []
      for (const path of paths) {
        for (const event of yield* told(path, until)) {
          const version = versionOf(event)
          if (version <= until)
            found.push({ version, object: objectOf(event), gone: event.type === "DELETED" })
        }
      }
      found.sort((left, right) => left.version - right.version)
      const known = new Set<string>()
      const facts: Array<string> = []
      for (const { object, gone } of found) {
        const name = `${text(object, "kind")} ${text(object, "metadata.name")}`
        for (const said of fact(object, gone)) {
          const key = `${text(object, "metadata.uid")} ${said}`
          if (!known.has(key)) facts.push(`${name}: ${said}`)
          known.add(key)
        }
      }
      record(facts)
      return facts
    })
  }

  /** Runs a command in a pod of the script's own namespace: how it ended, and what it said, or why it did not run. */
  exec(
    pod: string,
    command: ReadonlyArray<string>,
    how: { readonly container?: string; readonly stdin?: string } = {}
  ): Effect.Effect<void> {
    const { container, stdin } = how
    const running = this.bed.cluster.exec({
      namespace: this.namespace,
      pod,
      command,
      ...(container === undefined ? {} : { container }),
      ...(stdin === undefined ? {} : { stdin: true })
    })
    return Effect.scoped(
      Effect.gen(function* () {
        const session = yield* running
        if (stdin !== undefined) {
          yield* session.write(new TextEncoder().encode(stdin))
          yield* session.closeStdin
        }
        const [exit, out, err] = yield* Effect.all(
          [session.exit, wordsOf(session.stdout), wordsOf(session.stderr)],
          { concurrency: 3 }
        )
        return exit._tag === "Exited" ? { exit: exit.code, out, err } : { ...exit, out, err }
      })
    ).pipe(
      Effect.match({
        onSuccess: (ended): Json => ended,
        onFailure: (error): Json => ({
          reason: error.reason._tag,
          status: error.status ?? null,
          message: error.message
        })
      }),
      Effect.map((answer) =>
        this.record(
          `EXEC ${pod}${container === undefined ? "" : ` -c ${container}`} ${command.join(" ")}`,
          answer
        )
      )
    )
  }

  /** The resourceVersion of a list now. */
  version(path: string): Effect.Effect<string, ClusterError> {
    return Effect.map(this.quietly("GET", path), (body) => text(body, "metadata.resourceVersion"))
  }

  /** Opens a watch from a version, or as the query says. */
  watch(path: string, asking: Asking = {}): Effect.Effect<Watching, never, Scope.Scope> {
    const request = this.request("GET", path, undefined, asking)
    const stream = (asking.as ?? this.bed.cluster).watch({
      ...request,
      query: [...(request.query ?? []), ["watch", "true"]]
    })
    const ask = `WATCH ${path.replace(/resourceVersion=\d{2,}/, "resourceVersion=now")}`
    return open(stream, (answer) => this.record(ask, answer))
  }
}

/** One script, with what it shows in a sentence. */
export interface Scenario {
  readonly area: string
  readonly title: string
  readonly script: (to: Conversation) => Effect.Effect<unknown, ClusterError, Scope.Scope>
}

export const scenarios =
  (area: string) =>
  (scripts: Readonly<Record<string, Scenario["script"]>>): ReadonlyArray<Scenario> =>
    Object.entries(scripts).map(([title, script]) => ({ area, title, script }))
