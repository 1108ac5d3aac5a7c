import { CORRECTIONS, priorLogs } from "./corrections.ts";

export const fitted = {
  corrections: priorLogs,
  covariance: CORRECTIONS.map(({ spread }, i) => CORRECTIONS.map((_, j) => (i === j ? spread ** 2 : 0))),
  deployment: 0.05,
  residual: {
    e2e_mean: 0.02,
    e2e_p90: 0.03,
    e2e_p99: 0.04,
    ttft_mean: 0.06,
    ttft_p90: 0.1,
    ttft_p95: 0.15,
    ttft_p99: 0.25,
    itl_mean: 0.02,
    itl_median: 0.02,
    tpot_mean: 0.02,
    output_tokens_per_s: 0.02,
  },
  novelty: { gpu: 0.1, precision: 0.1, architecture: 0.1 },
  covered: { gpus: [] as string[], precisions: [] as string[], architectures: [] as string[] },
  data: [] as { file: string; sha256: string }[],
};
