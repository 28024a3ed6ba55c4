/**
 * Bugs planted between the engine and its cluster: what it sends is changed as if the engine had left
 * something out, and the simulation has to notice.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Cluster, Request } from "../../packages/sdk/src/Cluster.ts"
import { persistentvolumeclaims } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { dropped } from "./defects.ts"
import type { Decorate } from "./scaling.ts"

type Operation = { readonly op: string; readonly path: string; readonly value?: unknown }

const token = "/metadata/annotations/kubectl-stateful.dev~1operation"

const isSet = (request: Request) => request.path.endsWith("/statefulsets/db")
const isClaim = (request: Request) => request.path.includes("/persistentvolumeclaims")
const isJournal = (request: Request) => request.path.includes("/configmaps")
const isLease = (request: Request) => request.path.includes("/leases")

const answer = (status: number, value: unknown): Effect.Effect<Response> =>
  Effect.succeed({
    status,
    headers: { "content-type": "application/json" },
    body: Stream.succeed(new TextEncoder().encode(JSON.stringify(value)))
  })
type Response = Effect.Success<ReturnType<Cluster["Service"]["request"]>>

/** Requests changed on their way; null: it is not sent, and answered with what is there. */
const changed =
  (change: (request: Request) => Request | null): Decorate =>
  (inner) => ({
    ...inner,
    request: (request) => {
      const sent = change(request)
      return sent === null
        ? request.method === "DELETE"
          ? answer(200, { kind: "Status", status: "Success" })
          : inner.request({ method: "GET", path: request.path })
        : inner.request(sent)
    }
  })

/** The JSON patch's operations changed; other requests stay as they are. */
const patched = (
  matches: (request: Request) => boolean,
  change: (operations: ReadonlyArray<Operation>) => ReadonlyArray<Operation>
): Decorate =>
  changed((request) => {
    if (request.method !== "PATCH" || !matches(request)) return request
    const operations: ReadonlyArray<Operation> = JSON.parse(request.body ?? "[]")
    return { ...request, body: JSON.stringify(change(operations)) }
  })

const without = (matches: (operation: Operation) => boolean) => (operations: ReadonlyArray<Operation>) =>
  operations.filter((operation) => !matches(operation))

/** A command as if another word had been asked for. */
const saying =
  (from: string, to: (pod: string) => string | null): Decorate =>
  (inner) => ({
    ...inner,
    exec: (request) =>
      inner.exec({
        ...request,
        command: request.command.map((word) => (word === from ? (to(request.pod) ?? word) : word))
      })
  })

export interface Planted {
  readonly name: string
  /** Where it shows: naps of a caller, faults and a resume, or an abort. */
  readonly shows: "nap" | "resume" | "abort"
  readonly scenario: "up" | "down" | "hello" | "goodbye" | "zero" | "slow" | "drain"
  readonly bug: Decorate
  /** The first call at which it can show. Default 40. */
  readonly from?: number
}

/** Each is what a line of the engine that is left out or wrong would send. */
export const planted: ReadonlyArray<Planted> = [
  {
    name: "writes to the StatefulSet do not test the token",
    shows: "nap",
    scenario: "up",
    bug: patched(
      isSet,
      without(({ op, path }) => op === "test" && path === token)
    )
  },
  {
    name: "raising the fence tests no version",
    shows: "nap",
    scenario: "zero",
    bug: patched(
      isSet,
      without(({ op, path }) => op === "test" && path === "/metadata/resourceVersion")
    )
  },
  {
    name: "the journal does not test whose turn it is",
    shows: "nap",
    scenario: "goodbye",
    bug: patched(
      isJournal,
      without(({ op }) => op === "test")
    )
  },
  {
    name: "a hook begins without the word to begin",
    shows: "nap",
    scenario: "goodbye",
    bug: (inner) => ({
      ...inner,
      exec: (request) =>
        inner.exec({ ...request, command: request.command.map((word) => word.replace(/^(\d+)\+$/, "$1")) })
    })
  },
  {
    name: "the token is left on the StatefulSet",
    shows: "resume",
    scenario: "down",
    bug: changed((request) =>
      request.method === "PATCH" &&
      isSet(request) &&
      /"op":"remove","path":"[^"]*1operation"/.test(request.body ?? "")
        ? null
        : request
    )
  },
  {
    name: "the Lease is left",
    shows: "resume",
    scenario: "down",
    bug: changed((request) => (request.method === "DELETE" && isLease(request) ? null : request))
  },
  {
    name: "the Lease is not renewed",
    shows: "resume",
    scenario: "slow",
    bug: changed((request) =>
      request.method === "PATCH" && isLease(request) && (request.body ?? "").includes("/spec/renewTime")
        ? null
        : request
    )
  },
  {
    name: "no intent is written before a hook",
    shows: "resume",
    scenario: "goodbye",
    bug: patched(isJournal, (operations) =>
      operations.map((operation) =>
        operation.path === "/data/status.json"
          ? { ...operation, value: String(operation.value).replace(/"marks":\{.*?\]\}/, '"marks":{}') }
          : operation
      )
    )
  },
  {
    name: "the journal is never closed",
    shows: "resume",
    scenario: "up",
    bug: patched(isJournal, (operations) =>
      operations.map((operation) =>
        operation.path === "/data/status.json"
          ? {
              ...operation,
              value: String(operation.value).replace('"phase":"Succeeded"', '"phase":"Running"')
            }
          : operation
      )
    )
  },
  {
    name: "an effect comes before the journal",
    shows: "resume",
    scenario: "up",
    bug: (inner) => {
      let early = false
      return {
        ...inner,
        request: (request) => {
          if (request.method !== "POST" || !isJournal(request) || early) return inner.request(request)
          early = true
          const patch: Request = {
            method: "PATCH",
            path: "/apis/apps/v1/namespaces/shop/statefulsets/db",
            headers: { "content-type": "application/merge-patch+json" },
            body: "{}"
          }
          return Effect.andThen(inner.request(patch), inner.request(request))
        }
      }
    }
  },
  {
    name: "a probe that always says in: the hook is not run again where it had no effect",
    shows: "resume",
    scenario: "hello",
    bug: saying("is-member", () => ":")
  },
  {
    name: "a hello instead of a goodbye",
    shows: "resume",
    scenario: "goodbye",
    bug: saying("leave", () => "join")
  },
  {
    name: "the count goes down in one jump past the goodbyes",
    shows: "resume",
    scenario: "goodbye",
    bug: patched(isSet, (operations) =>
      operations.map((operation) =>
        operation.path === "/spec/replicas" && operation.op === "replace" && operation.value === 2
          ? { ...operation, value: 1 }
          : operation
      )
    )
  },
  {
    name: "the retention policy is not put back",
    shows: "resume",
    scenario: "zero",
    bug: changed((request) =>
      request.method === "PATCH" && isSet(request) && (request.body ?? "").includes('"whenScaled":"Delete"')
        ? null
        : request
    )
  },
  {
    name: "the retention policy is not set before a scale to zero",
    shows: "resume",
    scenario: "zero",
    bug: patched(isSet, (operations) =>
      operations.map((operation) =>
        operation.path === "/spec/persistentVolumeClaimRetentionPolicy"
          ? { ...operation, value: { whenScaled: "Delete", whenDeleted: "Retain" } }
          : operation
      )
    )
  },
  {
    name: "the count is not remembered at zero",
    shows: "resume",
    scenario: "zero",
    bug: patched(
      isSet,
      without(({ path }) => path.endsWith("~1replicas"))
    )
  },
  {
    name: "claims are deleted without a uid",
    shows: "abort",
    scenario: "up",
    bug: changed((request) => {
      if (request.method !== "DELETE" || !isClaim(request)) return request
      const { body: _, ...bare } = request
      return bare
    })
  },
  {
    name: "an abort removes claims that a pod has used",
    shows: "abort",
    scenario: "up",
    bug: (inner, world) => ({
      ...inner,
      request: (request) => {
        const lowers =
          request.method === "PATCH" && isSet(request) && (request.body ?? "").includes('"op":"remove"')
        if (lowers && world.log.some((line) => line.startsWith("gone"))) {
          for (const claim of world.sandbox.store.list(persistentvolumeclaims, "shop")) {
            const { name, annotations } = claim.metadata
            if (annotations?.["kubectl-stateful.dev/made-by"] !== undefined) {
              world.sandbox.registry.remove(persistentvolumeclaims, "shop", name, {})
            }
          }
        }
        return inner.request(request)
      }
    })
  },
  {
    name: "an abort leaves the claims that nobody used",
    shows: "abort",
    scenario: "up",
    bug: changed((request) => (request.method === "DELETE" && isClaim(request) ? null : request))
  },
  {
    name: "the mark stays after an abort",
    shows: "abort",
    scenario: "drain",
    from: 70,
    bug: changed((request) =>
      request.path.includes("/pods/") && (request.body ?? "").includes(":null") ? dropped(request) : request
    )
  },
  {
    name: "the time that routers are given is left out",
    shows: "resume",
    scenario: "drain",
    from: 70,
    bug: changed((request) =>
      request.path.includes("/pods/") && request.method === "PATCH" ? dropped(request) : request
    )
  },
  {
    name: "an abort sends no rejoin",
    shows: "abort",
    scenario: "goodbye",
    bug: saying("join", () => ":")
  }
]
