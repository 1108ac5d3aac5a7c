import type { Said } from "../../made-spec.ts";
import { MODEL_MOUNT } from "./hugging-face-server.ts";

/** Where a pod of KServe's has its model from: what is added to it. */
export interface ModelSource {
  readonly volumes: readonly Said[];
  readonly mounts: readonly Said[];
  readonly initContainers: readonly Said[];
}

/**
 * A claim or an image is mounted, anything else is downloaded by an init container each time a pod starts.
 * Source: KServe v0.17, pkg/utils/storage.go and pkg/controller/v1alpha2/llmisvc/workload_storage.go.
 */
export const modelSourceOf = (uri: string): ModelSource => {
  const mount = (volume: string): readonly Said[] => [{ name: volume, mountPath: MODEL_MOUNT, readOnly: true }];
  const [, claim] = /^pvc:\/\/([^/]+)/.exec(uri) ?? [];
  if (claim !== undefined) {
    const name = "kserve-pvc-source";
    const persistentVolumeClaim = { claimName: claim, readOnly: true };
    return { volumes: [{ name, persistentVolumeClaim }], mounts: mount(name), initContainers: [storage(uri)] };
  }
  if (uri.startsWith("oci://")) {
    const name = "oci-model";
    return {
      volumes: [{ name, image: { reference: uri.slice(6) } }],
      mounts: mount(name),
      initContainers: [storage(uri)],
    };
  }
  const name = "kserve-provision-location";
  return { volumes: [{ name, emptyDir: {} }], mounts: mount(name), initContainers: [storage(uri)] };
};

const storage = (uri: string): Said => ({ name: "storage-initializer", args: [uri, MODEL_MOUNT] });
