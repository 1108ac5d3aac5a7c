import type { HpaSpec } from "../controlplane/hpa/spec.ts";
import type { Known } from "../model/known.ts";
import type { Result } from "../model/problem.ts";
import type { Manifest, ManifestRef } from "./manifest.ts";
import type { GpuReading } from "./readers/gpu.ts";
import type { ModelStorage } from "./readers/model-storage.ts";
import type { PodLifeReading } from "./readers/probes.ts";
import type { VllmArguments } from "./readers/vllm-args.ts";

/**
 * Says what one kind of manifest means, and in which field it says so. A reader sees a single object, fills in what its
 * API server would, and guesses nothing: what the object doesn't say stays undefined.
 */
export interface Reader<Said> {
  readonly kind: string;
  /** Without version: `apps`, `autoscaling`. */
  readonly group: string;
  readonly summary: string;
  read(manifest: Manifest): Result<Said>;
}

/** A workload that runs vLLM. */
export interface WorkloadReading {
  readonly ref: ManifestRef;
  readonly replicas: Known<number>;
  /** Of the engine. */
  readonly container: Known<string>;
  readonly arguments: VllmArguments;
  /** vLLM's version by the image's tag; undefined: the tag doesn't tell. */
  readonly version: Known<string> | undefined;
  readonly gpu: GpuReading;
  readonly life: PodLifeReading;
  readonly storage: Known<ModelStorage>;
  /** Whether compiled graphs survive a restart: the directory of the cache, if a volume holds it. */
  readonly compileCache: Known<string> | undefined;
}

/** Something that scales a workload. */
export interface AutoscalerReading {
  readonly ref: ManifestRef;
  readonly target: Known<{ readonly group: string; readonly kind: string; readonly name: string }>;
  readonly spec: HpaSpec;
  /** What of the spec was said, and where; the rest are defaults of the API server. */
  readonly values: readonly { readonly path: string; readonly known: Known<string | number | boolean | null> }[];
}

export const workloadReader = (reader: Reader<WorkloadReading>): Reader<WorkloadReading> => reader;
export const autoscalerReader = (reader: Reader<AutoscalerReading>): Reader<AutoscalerReading> => reader;
