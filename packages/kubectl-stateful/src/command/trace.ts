/** Spans of a run, sent by OTLP over HTTP to the collector that the environment names. */
import * as Layer from "effect/Layer"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import manifest from "../../package.json" with { type: "json" }

/** `endpoint`: the collector's base address, as OTEL_EXPORTER_OTLP_ENDPOINT has it. */
export const exporter = (endpoint: string): Layer.Layer<never> =>
  OtlpTracer.layer({
    url: `${endpoint.replace(/\/$/, "")}/v1/traces`,
    resource: { serviceName: "kubectl-stateful", serviceVersion: manifest.version },
    shutdownTimeout: "2 seconds"
  }).pipe(
    Layer.provide(OtlpExporter.layerFlusher),
    Layer.provide(OtlpSerialization.layerJson),
    Layer.provide(FetchHttpClient.layer)
  )
