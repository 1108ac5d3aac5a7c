import type { Tracing } from "./tracing.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether traces are wanted: an endpoint is named, and nothing turns them off (OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER). */
export const tracingAsked = (endpoint: string | undefined, env: Environment): boolean => {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === "true") return false;
  if (!["", "otlp"].includes(env.OTEL_TRACES_EXPORTER ?? "")) return false;
  const named = [endpoint, env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT];
  return named.some((one) => (one ?? "") !== "");
};

/** Loaded only where it is asked for: whoever doesn't trace doesn't wait for OpenTelemetry. */
export const tracingOf = async (endpoint: string | undefined, env: Environment): Promise<Tracing | undefined> =>
  tracingAsked(endpoint, env) ? (await import("./tracing.ts")).startTracing(endpoint) : undefined;
