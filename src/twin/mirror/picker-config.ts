import { objectText } from "../../model/object-text.ts";
import type { InferenceSimulation } from "../../schema/resource.ts";
import type { Field, Origin } from "../field.ts";
import { Ledger } from "../ledger.ts";
import { type ObservedCluster } from "../manifest.ts";
import type { EndpointPickerReading } from "../reader.ts";
import { parsePickerConfig } from "../readers/index.ts";
import { renderingOf } from "../rendering.ts";
import { findPicker, findRouter } from "./mirrored-router.ts";

/** A key of a ConfigMap that has to be fetched before a simulation can be mirrored: ConfigMaps are not watched. */
export interface PickerConfigWanted {
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
  /** Who wants it, and by which flag. */
  readonly object: string;
  readonly field: string | undefined;
}

/** @returns undefined where the simulation needs none, or where that can't be told yet: mirroring says why */
export const pickerConfigWanted = (
  said: InferenceSimulation,
  real: ObservedCluster,
): PickerConfigWanted | undefined => {
  const { simulation, cluster } = renderingOf(said, real) ?? { simulation: said, cluster: real };
  const { policy, endpointPickerConfig } = simulation.spec.overrides.gateway ?? {};
  if (policy !== undefined || endpointPickerConfig !== undefined) return undefined;
  const ledger = new Ledger();
  const router = findRouter(simulation, cluster, ledger);
  const picker = router.kind === "InferencePool" ? findPicker(router.pool, cluster, ledger) : undefined;
  if (picker?.config.kind !== "config-map") return undefined;
  const { name, key, flag } = picker.config;
  const { namespace } = picker.ref;
  return {
    namespace,
    name,
    key,
    object: objectText(picker.ref),
    field: flag.kind === "field" ? flag.field : undefined,
  };
};

/** A configuration as it was found: plain data, and the field that holds it. `raw` undefined: there is none, so defaults hold. */
export interface FoundPickerConfig {
  readonly raw: unknown;
  readonly place: Pick<Field, "object" | "path">;
  readonly origin: Origin;
}

/** The configuration that counts: the simulation's own, else the mirrored picker's. @param text what `pickerConfigWanted` asked for */
export const pickerConfigOf = (
  { metadata, spec }: InferenceSimulation,
  picker: EndpointPickerReading | undefined,
  text: string | undefined,
  ledger: Ledger,
): FoundPickerConfig | undefined => {
  const said = spec.overrides.gateway?.endpointPickerConfig;
  const parsed = (from: string, place: FoundPickerConfig["place"], origin: Origin): FoundPickerConfig | undefined => {
    const result = parsePickerConfig(from, place);
    if (result.ok) return { raw: result.value, place, origin };
    ledger.problems.push(...result.problems);
    return undefined;
  };
  if (said !== undefined) {
    const object = `InferenceSimulation/${metadata.namespace}/${metadata.name}`;
    const place = { object, path: "spec.overrides.gateway.endpointPickerConfig" };
    return typeof said === "string" ? parsed(said, place, "override") : { raw: said, place, origin: "override" };
  }
  if (picker === undefined) return undefined;
  const object = objectText(picker.ref);
  const { config } = picker;
  switch (config.kind) {
    case "none":
      return { raw: undefined, place: { object, path: "spec.template.spec.containers" }, origin: "field" };
    case "text": {
      const path = config.text.from.kind === "field" ? config.text.from.field : "spec";
      return parsed(config.text.value, { object, path }, "field");
    }
    case "config-map": {
      const metadata = { name: config.name, namespace: picker.ref.namespace };
      ledger.read({ apiVersion: "v1", kind: "ConfigMap", metadata });
      const place = { object: `ConfigMap/${picker.ref.namespace}/${config.name}`, path: `data["${config.key}"]` };
      return text === undefined ? undefined : parsed(text, place, "field");
    }
    case "unknown":
      return ledger.error({
        reason: "PickerConfigNotFound",
        object,
        ...(config.flag.kind === "field" ? { field: config.flag.field } : {}),
        message: `--config-file is ${config.path}, which is mounted from no ConfigMap`,
        fix: "mount it from a ConfigMap, or set spec.overrides.gateway.endpointPickerConfig",
      });
    default:
      return config satisfies never;
  }
};
