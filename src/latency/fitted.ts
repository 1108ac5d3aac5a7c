import { CORRECTIONS } from "./corrections.ts";
import type { Fitted } from "./fit-result.ts";

export const fitted: Fitted = {
  corrections: [
    -1.99478, -1.83989, -2.69253, -0.351093, -0.237512, 0.821134, 0.493279, -0.962534, 1.95301, 3.21967, 3.88479,
    3.01679, 1.59904, 1.72316, 6.47199, 7.27798, 8.6436, 0.981873,
  ],
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
  covered: { gpus: [], precisions: [], architectures: [] },
  data: [],
};
