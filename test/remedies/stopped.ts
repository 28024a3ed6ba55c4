/** What the remedies of operations share: a scaling that stops on its way, hooks, and a claim made by hand. */
import * as Effect from "effect/Effect"
import { assert } from "vitest"
import type { Options } from "../../packages/sandbox/src/Sandbox.ts"
import { hookExec, isHook } from "../../packages/sandbox/src/node/HookExec.ts"
import { namespace, type Situation } from "./Situation.ts"

/** A scale to four that stops, since no node takes the fourth member; what it printed. */
export const stopped = async (at: Situation, flags = ""): Promise<string> => {
  await at.nodesTake(false)
  return at.refused(`scale db --replicas 4 --step-timeout 1s ${flags} -n shop`)
}

/** Containers with a shell, whose hooks do nothing and succeed. */
export const hooks: Options = {
  programs: () => ({
    onExec: (host, command) =>
      isHook(command.argv) ? hookExec(host, command, () => Effect.succeed(0)) : Effect.succeed(null)
  })
}

export const idIn = (message: string): string =>
  /resume ([0-9a-f]{8})/.exec(message)?.[1] ?? assert.fail(`no operation in: ${message}`)

export const isGoing = async (at: Situation, count: number): Promise<void> => {
  await at.printed(`scale db --replicas ${count} -n shop`)
  await at.ready(3 + count)
}

/** A claim by hand, of a member that is not there yet. */
export const claim = (spec: object, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name: "data-db-3", namespace, labels: { app: "db" }, ...metadata },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec }
})
