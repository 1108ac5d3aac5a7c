import type { LimitOptions } from "../limit-options.ts";
import type { UrlOptions } from "../url-options.ts";
import type { SimulationOptions } from "./traffic.ts";

/** What `servetwin preview` is told. */
export interface PreviewCommandOptions extends LimitOptions, SimulationOptions, UrlOptions {
  readonly filename: readonly string[];
  readonly manifests?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly simulation?: string;
  /** Of the simulation: it is the change, in place of manifests. */
  readonly candidate?: string;
  readonly budget: number;
  readonly timeout?: number;
  readonly threads: number;
  readonly output: string;
}
