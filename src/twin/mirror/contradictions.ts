import { type Known, known } from "../../model/known.ts";
import { objectText } from "../../model/object-text.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import type { Field } from "../field.ts";
import { type Ledger, placeOf, withSource } from "../ledger.ts";
import { type ObservedCluster } from "../manifest.ts";
import type { PoolReading, WorkloadReading } from "../reader.ts";
import type { PluginReading } from "../readers/endpoint-picker/plugin-reading.ts";
import { podTemplateOf } from "../readers/pod/pod-template-of.ts";
import type { AutoscalerScenario, WorkloadScenario } from "../scenario.ts";
import { othersListen } from "./pod-ports.ts";

/*
 * Values that two objects, or two fields of one, contradict each other about. One of them is simulated all the same, so each is a
 * warning; what a real cluster would do with the other is said.
 */

/** A probe, and an InferencePool, that ask another port than the one that the server is told to listen on. */
export const tellPorts = (
  { ref, container: engine, arguments: said }: WorkloadReading,
  pool: PoolReading | undefined,
  cluster: ObservedCluster,
  ledger: Ledger,
): void => {
  const manifest = cluster.get(ref.kind, ref.namespace, ref.name);
  const server = said.number("port");
  if (manifest === undefined || server === undefined) return;
  // A sidecar may answer in the server's place.
  const isNobodys = (port: number): boolean =>
    port !== server.value && !othersListen(manifest, engine.value, port, cluster);
  const container = podTemplateOf(manifest, cluster)
    .template?.at("spec", "containers")
    .items()
    .find((one) => one.at("name").raw === engine.value);
  for (const name of container === undefined ? [] : ["startupProbe", "readinessProbe"]) {
    const field = probePort((container as Field).at(name));
    const port = field === undefined ? undefined : numberOf(field, container as Field);
    if (field === undefined || port === undefined || !isNobodys(port)) continue;
    ledger.warn({
      reason: "Contradiction",
      ...field.place,
      message: `asks port ${port}, but the server listens on ${withSource(server)}: its pods would never be ready; they are simulated as if the server were asked`,
      fix: `let it ask port ${server.value}`,
    });
  }
  // Several are those of a pod's data-parallel ranks.
  const [port, ...more] = pool?.ports ?? [];
  if (pool === undefined || port === undefined || more.length > 0 || !isNobodys(port.value)) return;
  ledger.warn({
    reason: "Contradiction",
    ...placeOf(port.from, objectText(pool.ref)),
    message: `sends requests to port ${port.value}, but the server of ${objectText(ref)} listens on ${withSource(server)} and nobody else there on the other: they would fail; they are simulated as if they came to it`,
    fix: `set ${server.value}, or --port=${port.value}`,
  });
};

const probePort = (probe: Field): Field | undefined =>
  [probe.at("httpGet", "port"), probe.at("tcpSocket", "port"), probe.at("grpc", "port")].find(({ present }) => present);

/** By number, or by the name of one of the container's own ports. */
const numberOf = ({ raw }: Field, container: Field): number | undefined => {
  if (typeof raw === "number") return raw;
  const named = container
    .at("ports")
    .items()
    .find((port) => port.at("name").raw === raw);
  const number = named?.at("containerPort").raw;
  return typeof number === "number" ? number : undefined;
};

/** llm-d-kv-cache: DefaultTokenProcessorConfig. */
const DEFAULT_BLOCK: Known<number> = known(16, { kind: "default", why: "llm-d-kv-cache: blocks of 16 tokens" });

/** A precise prefix index hears of the engines' blocks by their hashes: of blocks of another size it finds none. */
export const tellBlockSizes = (
  plugins: readonly PluginReading[],
  workloads: readonly WorkloadScenario[],
  ledger: Ledger,
): void => {
  for (const { type, name, parameters } of plugins) {
    if (!type.startsWith("precise-prefix-cache-")) continue;
    const config = parameters.at("tokenProcessorConfig");
    const place = [config.at("blockSizeTokens"), config.at("blockSize")].find(
      ({ raw }) => typeof raw === "number" && raw > 0,
    );
    const said = place === undefined ? DEFAULT_BLOCK : known(place.raw as number, place.from);
    for (const workload of workloads) {
      const { blockSize } = workload.engine;
      if (blockSize === said.value) continue;
      ledger.warn({
        reason: "Contradiction",
        ...(place ?? parameters).place,
        message: `${name} cuts prompts into blocks of ${said.value} tokens, but ${workload.name} caches blocks of ${blockSize}: the real index would match none of them; it is simulated with its own`,
        fix: `set tokenProcessorConfig.blockSizeTokens to ${blockSize}, or --block-size=${said.value}`,
      });
    }
  }
};

/** Replicas that the simulation says and the autoscaler would change at its first sync. */
export const tellReplicas = (
  { replicas }: SimulationSpec["overrides"],
  scalers: readonly AutoscalerScenario[],
  ledger: Ledger,
): void => {
  if (replicas === undefined) return;
  for (const { keda, driver, namespace, name, spec } of scalers) {
    const { minReplicas, maxReplicas } = spec;
    const kind = keda === undefined ? "HorizontalPodAutoscaler" : "ScaledObject";
    // At 0 an autoscaler doesn't act.
    if (replicas === 0 || driver === "External" || (replicas >= minReplicas && replicas <= maxReplicas)) continue;
    ledger.warn({
      reason: "Contradiction",
      field: "spec.overrides.replicas",
      message: `is ${replicas}, but ${kind} ${namespace}/${name} keeps ${minReplicas} to ${maxReplicas}: it scales there at its first sync`,
      fix: `set ${minReplicas} to ${maxReplicas}, or change the autoscaler in a candidate`,
    });
  }
};
