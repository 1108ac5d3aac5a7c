import { kindOf } from "../model/plugin.ts";
import type { Rng } from "../sim/rng.ts";
import type { SimTime } from "../sim/time.ts";
import type { ControlLoop } from "./control-loop.ts";

/** Something that a controller scales: plain data, part of a scenario. */
export interface ControllerTarget {
  /** As the controller's metrics name it: the HPA, ScaledObject or VariantAutoscaling that stands for it, else the workload. */
  readonly name: string;
  readonly namespace: string;
  /** The workload whose scale it is. */
  readonly workload: string;
  /** What of the target is an object of its own. `crd`: a VariantAutoscaling, whose status keeps what was wanted last. */
  readonly kind: "annotated" | "crd" | "workload";
  /** As its series have it in `model_name`. */
  readonly model: string;
  readonly accelerator: string;
  /** Of one replica, in any unit: targets are compared by it. */
  readonly cost: number;
  readonly gpusPerReplica: number;
  /** Left out: no bound is said. */
  readonly minReplicas?: number;
  readonly maxReplicas?: number;
  /** Which part of a request it computes. */
  readonly role: "prefill" | "decode" | "both";
  readonly engine: ControlledEngine;
}

/** What a controller reads out of a target's pod template, or is told in its own configuration. */
export interface ControlledEngine {
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  readonly maxModelLen: number;
  readonly blockTokens: number;
  /** KV cache of one replica, tokens. */
  readonly kvTokens: number;
  readonly tensorParallel: number;
  readonly gpuMemoryUtilization: number;
}

/** A replica as the reference simulator's autoscaler sees it: the truth inside, at once. */
export interface EngineSight {
  /** `draining`: still there, takes nothing new. */
  readonly state: "ready" | "loading" | "draining";
  readonly kvTokens: number;
  readonly kvTokensInUse: number;
  readonly queued: number;
}

/** How fast one engine is, as a profile of it says. Throughputs are tokens per GPU and second. */
export interface EnginePerformance {
  /** Of a prompt of `isl` tokens that nobody is ahead of. */
  ttftSeconds(isl: number): number;
  prefillTokensPerGpu(isl: number): number;
  /** With `concurrency` requests, each `context` tokens long. */
  itlSeconds(concurrency: number, context: number): number;
  /** The most of any concurrency that keeps `itlSeconds`; where none does, that of the least. */
  bestDecodeTokensPerGpu(itlSeconds: number, context: number): number;
}

/** What a controller is handed by the world that it lives in. */
export interface ControllerContext {
  /** As the simulation is called: part of the loops' names. */
  readonly name: string;
  /** At least one, in order of name. */
  readonly targets: readonly ControllerTarget[];
  readonly rng: Rng;
  /** Replicas that hold GPUs, in order of creation. */
  readonly engines: (workload: string, now: SimTime) => readonly EngineSight[];
  /** Requests that wait in the flow control of a model's endpoint picker, by its own metrics page; 0: none, or no such page. */
  readonly queuedAtPicker: (model: string, now: SimTime) => number;
  /** By the latency model of the world; undefined: it has none for that workload. */
  readonly performance: (workload: string) => EnginePerformance | undefined;
}

/** A controller beside the HPA, as one or more loops. */
export const controller = kindOf<ControllerContext, readonly ControlLoop[]>();
