import * as z from "zod";
import { good, type Problem, type Result } from "../model/problem.ts";
import { refusalOf } from "./guard.ts";
import { fieldPath, problemsOf } from "./issue.ts";
import { API_VERSION, type InferenceSimulation, KIND } from "./resource.ts";
import { objective, simulationSpec } from "./simulation-spec.ts";
import { simulationStatus } from "./simulation-status.ts";

/** Where an object was read. */
export type Where = Pick<Problem, "object" | "file" | "line">;

const MOST_PROBLEMS = 20;

const texts = z.record(z.string(), z.string());

/** Of metadata only what we use; the API server has checked the rest, and adds to it. */
const metadata = z.looseObject({
  name: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, { error: "must be lower-case letters, digits, dashes and dots" }),
  namespace: z
    .string()
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, { error: "must be lower-case letters, digits and dashes" })
    .default("default"),
  uid: z.string().optional(),
  generation: z.int().optional(),
  labels: texts.optional(),
  annotations: texts.optional(),
});

const simulation = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal(KIND),
  metadata,
  spec: simulationSpec,
  status: z.unknown().optional(),
});

/**
 * Reads an InferenceSimulation strictly and puts its defaults in. All that is wrong is told at once (at most 20 problems);
 * rules over several fields only once each field is right by itself. Never throws, whatever it is handed.
 */
export const parseSimulation = (raw: unknown, where: Where): Result<InferenceSimulation> => {
  const refusal = refusalOf(raw);
  if (refusal !== undefined) {
    const { path, message } = refusal;
    const field = path.length === 0 ? {} : { field: fieldPath(path) };
    return { ok: false, problems: [{ ...where, severity: "error", reason: "Refused", ...field, message }] };
  }
  const said = withoutNulls(raw);
  const parsed = simulation.safeParse(said);
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap((issue) => problemsOf(issue, simulation, said));
    return { ok: false, problems: problems.slice(0, MOST_PROBLEMS).map((problem) => ({ ...where, ...problem })) };
  }
  const value = resourceOf(parsed.data);
  return good(
    value,
    warningsOf(value).map((warning) => ({ ...where, ...warning })),
  );
};

/** What is wrong with an objective by itself; the fields are its own. */
export const objectiveProblems = (raw: unknown): readonly Problem[] =>
  objective.safeParse(raw).error?.issues.flatMap((issue) => problemsOf(issue, objective, raw)) ?? [];

/**
 * A field that is null is left out, as the API server has it; `overrides:` with nothing below it is common in YAML. Patches
 * are kept as they are: there null says something.
 */
export const withoutNulls = (raw: unknown): unknown => {
  if (Array.isArray(raw)) return raw.map(withoutNulls);
  if (typeof raw !== "object" || raw === null) return raw;
  return Object.fromEntries(
    Object.entries(raw).flatMap(([key, value]) =>
      value === null ? [] : [[key, key === "patches" ? value : withoutNulls(value)]],
    ),
  );
};

const resourceOf = ({ apiVersion, kind, metadata, spec, status }: z.output<typeof simulation>): InferenceSimulation => {
  const { name, namespace, uid, generation, labels, annotations } = metadata;
  const known = simulationStatus.safeParse(status);
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      ...(uid === undefined ? {} : { uid }),
      ...(generation === undefined ? {} : { generation }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec,
    ...(known.success ? { status: known.data } : {}),
  };
};

/** What is allowed, yet surely not meant. */
const warningsOf = ({ spec }: InferenceSimulation): readonly Problem[] => {
  const warnings: Problem[] = [];
  const warn = (reason: string, field: string, message: string) =>
    warnings.push({ severity: "warning", reason, field, message });
  if (spec.mode !== "Shadow" && spec.run.speed !== 1) {
    warn("NoEffect", "spec.run.speed", `has no effect on a ${spec.mode}, which runs as fast as it can`);
  }
  if (spec.mode !== "Shadow" && spec.mirror.autoscaler?.driver === "External") {
    warn(
      "NoEffect",
      "spec.mirror.autoscaler.driver",
      "nothing scales an External run that has an end: a real autoscaler can only follow a Shadow",
    );
  }
  if (spec.mode === "Shadow" && spec.mirror.autoscaler?.driver === "External" && spec.replicas === undefined) {
    const message = "is not set: without it, /scale answers with an error and no real autoscaler can act";
    const fix = "set the replicas to start with; the autoscaler overwrites them";
    warnings.push({ severity: "warning", reason: "ScaleUnset", field: "spec.replicas", message, fix });
  }
  if (spec.export.naming === "Production") {
    const message =
      "simulated series will bear production's names; give them a Prometheus of their own, or they may steer production";
    warn("ProductionNames", "spec.export.naming", message);
  }
  return warnings;
};
