/** One of the threads of `npm run prove -- fuzz`. */
import { parentPort } from "node:worker_threads"
import * as Effect from "effect/Effect"
import type { Piece } from "./prove.ts"
import { targets } from "./targets.ts"

parentPort?.on("message", ({ target, ...amount }: Piece) => {
  const all = async () => {
    const found = targets.find(({ name }) => name === target)
    const failed = found === undefined ? null : await Effect.runPromise(found.check(amount))
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
    parentPort?.postMessage(failed)
  }
  void all()
})
