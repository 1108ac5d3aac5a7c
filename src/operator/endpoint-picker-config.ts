import { bad, good, type Result } from "../model/problem.ts";
import { bytesOf } from "../store/manifest-objects.ts";
import type { Store } from "../store/store.ts";
import type { ObservedCluster } from "../twin/manifest.ts";
import type { PickerConfigWanted } from "../twin/mirror.ts";

/** A configuration is a few KiB. */
const MOST_BYTES = 1 << 20;

/**
 * The text of the key that an endpoint picker mounts as its configuration: of the ConfigMap among the objects, as a folder has
 * it and a candidate may have changed it; else as it is fetched.
 */
export const findPickerConfig = async (
  { namespace, name, key, object, field }: PickerConfigWanted,
  cluster: ObservedCluster,
  store: Store,
): Promise<Result<string>> => {
  const place = { severity: "error" as const, object, ...(field === undefined ? {} : { field }) };
  const said = cluster.get("ConfigMap", namespace, name);
  const bytes = said === undefined ? await store.configMapKey(namespace, name, key) : bytesOf(said, key);
  if (bytes === undefined) {
    const message = `--config-file is key ${key} of ConfigMap ${namespace}/${name}, which has no such key, or does not exist`;
    const fix = "create it, or set spec.overrides.gateway.endpointPickerConfig";
    return bad({ ...place, reason: "PickerConfigNotFound", message, fix });
  }
  if (bytes.byteLength > MOST_BYTES) {
    const message = `key ${key} of ConfigMap ${namespace}/${name} holds more than ${MOST_BYTES} bytes`;
    return bad({ ...place, reason: "PickerConfigTooLarge", message });
  }
  return good(Buffer.from(bytes).toString("utf8"));
};
