/** A watch as a streaming response: one line of JSON for each event, no faster than it is read. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ServerResponse } from "node:http"
import type { ClusterError, WatchEvent } from "@kubectl-stateful/sdk/Cluster"
import { commonHeaders } from "./Exchange.ts"

const written = (response: ServerResponse, text: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (response.write(text)) return resume(Effect.void)
    const drained = () => resume(Effect.void)
    response.once("drain", drained)
    return Effect.sync(() => response.off("drain", drained))
  })

/** Ends when the watch does, or with the connection, which interrupts it. */
export const stream = (
  response: ServerResponse,
  events: Stream.Stream<WatchEvent, ClusterError>
): Effect.Effect<void, ClusterError> =>
  Effect.gen(function* () {
    response.writeHead(200, { ...commonHeaders, "content-type": "application/json" })
    // The client knows that its watch has begun before anything happens in it.
    response.flushHeaders()
    yield* Stream.runForEachArray(events, (chunk) =>
      written(response, chunk.map((event) => `${JSON.stringify(event)}\n`).join(""))
    )
    response.end()
  })
