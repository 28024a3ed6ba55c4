/** Members of a ledger without a cluster around them: hosts that know each other, and their volumes. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Host, Program } from "../../../packages/sandbox/src/node/Program.ts"
import { Volume } from "../../../packages/sandbox/src/storage/Volume.ts"

export interface Members {
  readonly volumes: Record<string, Volume>
  readonly hosts: Map<string, Host>
  /** Starts a member on its volume, which may be there from before. */
  readonly start: (name: string) => Effect.Effect<void>
  /** As a power cut: nothing is said, nothing is flushed. */
  readonly kill: (name: string) => Effect.Effect<void>
  readonly cut: (...names: ReadonlyArray<string>) => Record<string, Volume>
}

const hostOf = (name: string, volume: Volume, hosts: ReadonlyMap<string, Host>): Host => {
  const container = { name: "ledger", image: "ledger" }
  return {
    pod: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "shop", uid: name, resourceVersion: "1", creationTimestamp: "" },
      spec: { containers: [container] },
      status: {}
    },
    container,
    restarts: 0,
    volume: (path) => (path === "/data" ? volume : undefined),
    peer: (pod) => hosts.get(pod),
    memory: new Map()
  }
}

/** All of `count` members, running; they end with the scope. */
export const members = (count: number, program: Program): Effect.Effect<Members, never, Scope.Scope> =>
  Effect.gen(function* () {
    const outer = yield* Effect.scope
    const hosts = new Map<string, Host>()
    const scopes = new Map<string, Scope.Closeable>()
    const volumes: Record<string, Volume> = {}
    const start = (name: string): Effect.Effect<void> =>
      Effect.gen(function* () {
        const volume = (volumes[name] ??= new Volume())
        const scope = yield* Scope.fork(outer)
        const host = hostOf(name, volume, hosts)
        scopes.set(name, scope)
        hosts.set(name, host)
        const run = program.onStart?.(host) ?? Effect.never
        yield* Effect.forkIn(Effect.provideService(run, Scope.Scope, scope), scope)
      })
    const kill = (name: string): Effect.Effect<void> =>
      Effect.suspend(() => {
        hosts.delete(name)
        const scope = scopes.get(name)
        return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
      })
    for (let ordinal = 0; ordinal < count; ordinal++) yield* start(`ledger-${ordinal}`)
    return {
      volumes,
      hosts,
      start,
      kill,
      cut: (...names) =>
        Object.fromEntries(
          Object.entries(volumes)
            .filter(([name]) => names.length === 0 || names.includes(name))
            .map(([name, volume]) => [name, volume.copy()])
        )
    }
  })
