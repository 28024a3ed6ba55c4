/** Requests to a sandbox's API, as the tests write them. */
import * as Effect from "effect/Effect"
import type { Request } from "../../packages/sdk/src/Cluster.ts"
import type { User } from "../../packages/sandbox/src/apiserver/Access.ts"
import { at } from "../../packages/sandbox/src/apimachinery/Json.ts"
import { make, type Options, type Shape } from "../../packages/sandbox/src/Sandbox.ts"

export interface Answered {
  readonly status: number
  readonly body: unknown
  readonly message: unknown
  readonly reason: unknown
  /** What the `Warning` header says. */
  readonly warning: string | undefined
}

const patchTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json"
}

export interface Asking {
  readonly sandbox: Shape
  readonly ask: (
    method: Request["method"],
    url: string,
    body?: unknown,
    headers?: Request["headers"]
  ) => Answered
  readonly patch: (how: keyof typeof patchTypes, url: string, body: unknown) => Answered
  readonly as: (user: User) => Asking
}

const asking = (sandbox: Shape, user?: User): Asking => {
  const ask: Asking["ask"] = (method, url, body, headers) => {
    const [path = "", query = ""] = url.split("?")
    const answer = sandbox.api.handle(
      {
        method,
        path,
        query: [...new URLSearchParams(query)],
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
        ...(headers === undefined ? {} : { headers })
      },
      user
    )
    const json = answer.headers["content-type"]?.startsWith("application/json") === true
    const parsed: unknown = json ? JSON.parse(answer.body) : answer.body
    return {
      status: answer.status,
      body: parsed,
      message: at(parsed, "message"),
      reason: at(parsed, "reason"),
      warning: answer.headers["warning"]
    }
  }
  return {
    sandbox,
    ask,
    patch: (how, url, body) => ask("PATCH", url, body, { "content-type": patchTypes[how] }),
    as: (other) => asking(sandbox, other)
  }
}

/** The API alone: what is written stays as it is. */
export const bare = (options: Options = {}) =>
  Effect.map(make({ bare: true, ...options }), (sandbox) => asking(sandbox))

export const home = "/api/v1/namespaces/default"
export const apps = "/apis/apps/v1/namespaces/default/statefulsets"

export const configMap = (name: string, rest: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data: { key: "value" },
  ...rest
})

export const pod = (name: string, labels: Record<string, string> = { app: "db" }) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels },
  spec: { containers: [{ name: "main", image: "db:1" }] }
})

export const statefulSet = (name: string, spec: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name },
  spec: {
    serviceName: name,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "main", image: "db:1" }] }
    },
    ...spec
  }
})
