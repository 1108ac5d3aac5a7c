import { context, type Span as OtelSpan, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { VERSION } from "../model/version.ts";
import type { Span, SpanAttributes } from "../operator/span.ts";

export interface Tracing {
  /** Begins a trace. */
  readonly trace: (name: string, attributes: SpanAttributes) => Span;
  /** Sends what is left. */
  close(): Promise<void>;
}

/**
 * Traces over OTLP/HTTP. Where to, with which headers and sampler and in whose name, the OTEL_* variables say, which
 * OpenTelemetry's own SDK reads (opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables).
 * @param endpoint in place of OTEL_EXPORTER_OTLP_ENDPOINT: without `/v1/traces`
 */
export const startTracing = (endpoint: string | undefined): Tracing => {
  const url = endpoint === undefined ? {} : { url: `${endpoint.replace(/\/+$/, "")}/v1/traces` };
  const own = resourceFromAttributes({ "service.name": "servetwin", "service.version": VERSION });
  const provider = new BasicTracerProvider({
    // What the variables say comes last, so that it holds.
    resource: own.merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter(url))],
  });
  const tracer = provider.getTracer("servetwin", VERSION);
  return {
    trace: (name, attributes) => new TracedSpan(tracer, tracer.startSpan(name, { attributes })),
    close: () => provider.shutdown(),
  };
};

class TracedSpan implements Span {
  readonly #tracer: Tracer;
  readonly #span: OtelSpan;

  constructor(tracer: Tracer, span: OtelSpan) {
    this.#tracer = tracer;
    this.#span = span;
  }

  child(name: string, attributes: SpanAttributes = {}): Span {
    const within = trace.setSpan(context.active(), this.#span);
    return new TracedSpan(this.#tracer, this.#tracer.startSpan(name, { attributes }, within));
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes(attributes);
  }

  fail(error: unknown): void {
    this.#span.recordException(error as Error);
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
  }

  end(): void {
    this.#span.end();
  }
}
