import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { loadAll } from "js-yaml";
import { BadInput } from "../../src/cli/exit.ts";
import { simulationsIn } from "../../src/cli/inputs.ts";
import { type Prepared, prepare } from "../../src/cli/prepare.ts";
import type { Problem } from "../../src/model/problem.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/schema/limits.ts";
import { manifestStore } from "../../src/store/manifests.ts";
import { runPreview } from "../../src/worker/preview.ts";
import { mutated, mutation } from "./mutations.ts";

/** Nothing that is drawn may run for long: the question is whether it runs. */
const LIMITS: Limits = {
  ...DEFAULT_LIMITS,
  maxHorizonSeconds: 30,
  maxRatePerSecond: 50,
  maxRequests: 500,
  maxReplicas: 50,
};
/** What reading, mirroring and running such a thing may take on a busy machine. */
const MOST_SECONDS = 30;

const cases = new URL("cases/", import.meta.url);
const examples = new URL("../../deploy/examples/", import.meta.url);

const documentsOf = (text: string): unknown[] => loadAll(text).filter((document) => document !== null);
const folder = (name: string): unknown[] =>
  readdirSync(new URL(name, examples))
    .filter((file) => file.endsWith(".yaml"))
    .flatMap((file) =>
      documentsOf(readFileSync(new URL(`${name}/${file}`, examples), "utf8").replace(/horizon: .*/, "horizon: 10s")),
    );

/** What is mutated: the corpus' good ones, and examples of every kind that is mirrored. */
export const bases = (): readonly (readonly unknown[])[] => [
  ...readdirSync(cases)
    .map((name) => readFileSync(new URL(name, cases), "utf8"))
    .filter((text) => /^# good$/m.test(text))
    .map(documentsOf),
  ...["llm-d-epp", "keda", "leaderworkerset", "disaggregation", "real-autoscalers"].map(folder),
  [...folder("quickstart"), ...folder("nodes"), ...folder("faults")],
];

/** `good`: it ran to its end; `refused`: it was told why it can't. @throws whatever is neither: a fault of ours */
export const outcomeOf = async (text: string): Promise<"good" | "refused"> => {
  const began = performance.now();
  const problems = await problemsOf(text, async ({ scenario, simulation }) => {
    if (simulation.spec.mode === "Preview") await runPreview({ scenario, maxTraceBytes: 2 ** 20 });
  });
  const seconds = (performance.now() - began) / 1000;
  if (seconds > MOST_SECONDS) throw new Error(`took ${seconds.toFixed(1)} s`);
  if (({} as Record<string, unknown>)["polluted"] !== undefined) throw new Error("a prototype was changed");
  if (problems.some(({ message }) => message === "")) throw new Error("a problem says nothing");
  return problems.length === 0 ? "good" : "refused";
};

/** Why it can't run; none if it can. @param act on each that can */
export const problemsOf = async (
  text: string,
  act: (prepared: Prepared) => Promise<void> = async () => {},
): Promise<readonly Problem[]> => {
  try {
    const store = manifestStore([{ file: "fuzz.yaml", text }], "/nowhere");
    const errors = store.problems.filter(({ severity }) => severity === "error");
    if (errors.length > 0) return errors;
    for (const stored of simulationsIn(store, undefined)) await act(await prepare(store, stored, LIMITS, []));
    return [];
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    return error.problems;
  }
};

const textOf = (documents: readonly unknown[]): string =>
  documents.map((document) => JSON.stringify(document) ?? "null").join("\n---\n");

/** A Deployment with these arguments and a simulation of it. */
export const withArguments = (
  args: readonly string[],
  command?: readonly string[],
  env?: readonly unknown[],
): string => {
  const documents = structuredClone(bases()[0]) as {
    kind: string;
    spec: { template: { spec: { containers: [Record<string, unknown>] } } };
  }[];
  const deployment = documents.find(({ kind }) => kind === "Deployment");
  if (deployment === undefined) throw new Error("the first case has no Deployment");
  const [container] = deployment.spec.template.spec.containers;
  container.args = [...(container.args as string[]), ...args];
  if (command !== undefined) Object.assign(container, { command, args });
  if (env !== undefined) container.env = env;
  return textOf(documents);
};

/** Objects that are changed in one to six places. */
export const manifests = (from: readonly (readonly unknown[])[]) =>
  fc.asyncProperty(
    fc.constantFrom(...from),
    fc.array(mutation, { minLength: 1, maxLength: 6 }),
    async (base, mutations) => void (await outcomeOf(textOf(mutated(base, mutations)))),
  );

/** Texts that are cut, doubled and sprinkled with what means something to YAML. */
export const texts = (from: readonly string[]) =>
  fc.asyncProperty(
    fc.constantFrom(...from),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat({ max: 40 }),
        fc.constantFrom(
          "",
          ":",
          "- ",
          "\n",
          "\t",
          "&a ",
          "*a",
          "!!",
          "{",
          "]",
          "|",
          "'",
          '"',
          "#",
          "\r",
          "\u2028",
          "? ",
        ),
      ),
      { minLength: 1, maxLength: 5 },
    ),
    async (text, cuts) => {
      let now = text;
      for (const [at, length, put] of cuts) {
        const start = at % (now.length + 1);
        now = now.slice(0, start) + put + now.slice(start + length);
      }
      await outcomeOf(now);
    },
  );

export const caseTexts = (): string[] => readdirSync(cases).map((name) => readFileSync(new URL(name, cases), "utf8"));
