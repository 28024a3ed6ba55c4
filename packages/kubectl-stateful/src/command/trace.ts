/** Spans of a run, sent by OTLP over HTTP to the collector that the environment names. */
import { ClusterError } from "@kubectl-stateful/sdk/Cluster"
import { OperationError, recordOf } from "@kubectl-stateful/sdk/operation/OperationError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import manifest from "../../package.json" with { type: "json" }

/** An error in our own words, as a journal has it: a message may quote a hook's output or the server's. */
const inOwnWords = (error: unknown): Error => {
  const isOurs = error instanceof OperationError || error instanceof ClusterError
  const words = new Error(isOurs ? recordOf(error, null) : "")
  words.name = isOurs ? error._tag : error instanceof Error ? error.name : "Error"
  delete words.stack
  return words
}

const ending = (exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> =>
  Exit.isSuccess(exit)
    ? exit
    : Exit.failCause(
        Cause.fromReasons(
          exit.cause.reasons.map((reason) => {
            if (Cause.isFailReason(reason)) return Cause.makeFailReason(inOwnWords(reason.error))
            return Cause.isDieReason(reason) ? Cause.makeDieReason(inOwnWords(reason.defect)) : reason
          })
        )
      )

/** A trace contains what a journal contains, and no more. */
const discreet = (tracer: Tracer.Tracer): Tracer.Tracer => ({
  ...tracer,
  span: (options) => {
    const span = tracer.span(options)
    const end = span.end.bind(span)
    return Object.assign(span, {
      end: (at: bigint, exit: Exit.Exit<unknown, unknown>) => end(at, ending(exit))
    })
  }
})

/** `endpoint`: the collector's base address, as OTEL_EXPORTER_OTLP_ENDPOINT has it. */
export const exporter = (endpoint: string): Layer.Layer<never> =>
  Layer.effect(
    Tracer.Tracer,
    Effect.map(
      OtlpTracer.make({
        url: `${endpoint.replace(/\/$/, "")}/v1/traces`,
        resource: { serviceName: "kubectl-stateful", serviceVersion: manifest.version },
        shutdownTimeout: "2 seconds"
      }),
      discreet
    )
  ).pipe(
    Layer.provide(OtlpExporter.layerFlusher),
    Layer.provide(OtlpSerialization.layerJson),
    Layer.provide(FetchHttpClient.layer)
  )
