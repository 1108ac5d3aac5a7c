import type { Problem } from "../model/problem.ts";
import type { LatencyContext } from "./latency-model.ts";
import { stepUncertainty } from "./uncertainty.ts";

/**
 * What no latency model can work with, as errors, and assumptions that the user should see, as warnings.
 * Ask before `latencyModels.create`. vLLM refuses the same splits (vllm/config: tensor parallel size must divide heads).
 */
export const latencyProblems = (context: LatencyContext, name: string): readonly Problem[] => [
  ...splitProblems(context),
  ...shapeProblems(context),
  ...assumptions(context, name),
];

const splitProblems = ({ shape, parallelism: { tp, dp }, mode }: LatencyContext): readonly Problem[] => {
  const problems: Problem[] = [];
  if (shape.heads % tp !== 0) {
    problems.push(
      error(
        "TensorParallelSize",
        `${shape.id} has ${shape.heads} attention heads, which ${tp} GPUs can't share evenly`,
        {
          fix: `choose --tensor-parallel-size from ${divisors(shape.heads, 16).join(", ")}`,
        },
      ),
    );
  }
  // vLLM replicates KV heads when there are fewer than GPUs; the reference simulator refuses.
  const replicated = mode === "vllm" && tp % shape.kvHeads === 0;
  if (shape.kvHeads % tp !== 0 && !replicated) {
    problems.push(
      error("TensorParallelSize", `${shape.id} has ${shape.kvHeads} KV heads, which ${tp} GPUs can't share evenly`, {
        fix: `choose --tensor-parallel-size from ${divisors(shape.kvHeads, 16).join(", ")}`,
      }),
    );
  }
  if (dp < 1 || tp < 1) problems.push(error("ParallelSize", "tensor and data parallel size must be at least 1"));
  return problems;
};

const shapeProblems = ({ shape }: LatencyContext): readonly Problem[] =>
  shape.moe !== undefined && shape.moe.experts > 1 && !(shape.moe.expertsPerToken >= 1)
    ? [
        error(
          "IncompleteModel",
          `${shape.id} has ${shape.moe.experts} experts, but nothing says how many a token uses`,
          {
            fix: "give num_experts_per_tok",
          },
        ),
      ]
    : [];

const assumptions = (context: LatencyContext, name: string): readonly Problem[] => {
  if (name === "physical") return extrapolations(context);
  const { hardware } = context;
  if (!hardware.mfu.assumed) return [];
  const { prefill, decode } = hardware.mfu;
  const message =
    name === "roofline"
      ? `no measured FLOP utilisation is known for ${hardware.id}; assumed are ${prefill} in prefill and ${decode} in decode`
      : `the step times were fitted on H100, A100 and L40S; on ${hardware.id} they are extrapolated from its data sheet`;
  return [{ severity: "warning", reason: "AssumedUtilisation", message }];
};

/** What no server that `physical` was fitted to had. */
const extrapolations = (context: LatencyContext): readonly Problem[] => {
  const { novelties } = stepUncertainty(context);
  if (novelties.length === 0) return [];
  const message = `step times are extrapolated, and their bands wider: ${novelties.join("; ")}`;
  return [{ severity: "warning", reason: "Extrapolated", message }];
};

const error = (reason: string, message: string, more: { fix?: string } = {}): Problem => ({
  severity: "error",
  reason,
  message,
  ...more,
});

const divisors = (n: number, most: number): readonly number[] =>
  Array.from({ length: most }, (_, i) => i + 1).filter((i) => n % i === 0);
