/** One GPU type. Compute is dense (no sparsity); links are per direction and GPU. undefined: no sourced figure. */
export interface Hardware {
  /** `H100-SXM`. */
  readonly id: string;
  readonly aliases: readonly string[];
  readonly vendor: "nvidia" | "amd";
  readonly bf16Tflops: number;
  readonly fp8Tflops?: number;
  readonly fp4Tflops?: number;
  readonly memoryBandwidthTBs: number;
  readonly memoryGiB: number;
  /** What the driver reports, in MiB, where known. */
  readonly visibleMiB?: number;
  readonly gpuLinkGBs?: number;
  readonly hostLinkGBs?: number;
  readonly nicGBs?: number;
  readonly gpusPerNode?: number;
  /** Model FLOP utilisation for the roofline; `assumed` if no measurement stands behind it. */
  readonly mfu: { readonly prefill: number; readonly decode: number; readonly assumed: boolean };
  readonly source: string;
}
