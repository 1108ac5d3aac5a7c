import { describe, expect, it } from "vitest";
import { describeProblem } from "../../src/model/problem.ts";
import { readManifests } from "../../src/store/manifests.ts";
import { outcomeOf, problemsOf, withArguments } from "./fuzz-input.ts";

/** What is too large to lie in a file of the corpus: bounded, and refused in a moment. */
const told = (text: string): string[] => readManifests(text, "a.yaml").problems.map(describeProblem);
const saidOf = async (text: string): Promise<string> => (await problemsOf(text)).map(describeProblem).join("\n");
const pod = (rest: string): string => `apiVersion: v1\nkind: Pod\nmetadata: { name: a }\n${rest}\n`;
const within = async <T>(seconds: number, act: () => T): Promise<Awaited<T>> => {
  const began = performance.now();
  const result = await act();
  expect((performance.now() - began) / 1000).toBeLessThan(seconds);
  return result;
};

describe("hostile input", () => {
  it.each([
    [
      "a file above 10 MiB",
      () => pod(`spec: { a: "${"x".repeat(11 * 2 ** 20)}" }`),
      /^a\.yaml: holds more than 10 MiB/,
    ],
    ["lists a hundred thousand deep", () => pod(`spec: ${"[".repeat(100_000)}`), /maxDepth|nested deeper/],
    [
      "a million aliases of aliases",
      () =>
        Array.from({ length: 40 }, (_, i) => `a${i}: &a${i} [${i === 0 ? "x" : `*a${i - 1}, *a${i - 1}`}]`).join("\n"),
      /unfolds to more than 1000000 values/,
    ],
  ])("%s is refused, in a line", async (_name, text, says) => {
    const [first = ""] = await within(5, () => told(text()));
    expect(first).toMatch(says);
    expect(first.length).toBeLessThan(5000);
    expect(first).not.toContain("\n");
  });

  it("arguments of 10 MB are refused, since Linux would not start them", async () => {
    const args = Array.from({ length: 100_000 }, (_, i) => `--flag-${i}=${"x".repeat(80)}`);
    const said = await within(10, () => saidOf(withArguments(args)));
    expect(said).toMatch(/args\[\d+\]: .* more than 2 MiB: Linux starts no program with that/);
    expect(await within(10, () => saidOf(withArguments(["x".repeat(200_000)])))).toMatch(/more than 128 KiB/);
  });

  it("those that Linux would take are read in a moment, however many", async () => {
    for (const flag of ["-a", "a", "--max-num-seqs=1", "--unknown-flag-of-mine=1"]) {
      const args = Array.from({ length: Math.floor(100_000 / flag.length) }, () => flag);
      await within(15, () => outcomeOf(withArguments(args)));
    }
  });

  it.each([
    [
      "variables that double each other",
      (text: string) => `$(${text})$(${text})`,
      ["--served-model-name=$(V40)"],
      undefined,
    ],
    [
      "a shell's variables that do",
      undefined,
      [Array.from({ length: 40 }, (_, i) => `V${i + 1}="$V${i}$V${i}"`).join("; ")],
      ["V0=xxxxxxxx;"],
    ],
    ["scripts in scripts", undefined, ['eval "$X"; '.repeat(400)], ['X=\'eval "$X"; eval "$X"; eval "$X"\';']],
  ] as const)("%s stay small", async (_name, double, args, before) => {
    const text =
      double === undefined
        ? withArguments([`${before?.[0]} ${args[0]}; vllm serve meta-llama/Llama-3.1-8B-Instruct $V40`], ["bash", "-c"])
        : withArguments(args, undefined, [
            { name: "V0", value: "x".repeat(100) },
            ...Array.from({ length: 40 }, (_, i) => ({ name: `V${i + 1}`, value: double(`V${i}`) })),
          ]);
    await within(10, () => outcomeOf(text));
  });

  it.each([
    ["blanks", " ".repeat(200_000)],
    ["quotes", "'\"".repeat(100_000)],
    ["variables in variables", "${A:-".repeat(20_000)],
    ["commas", "a,".repeat(100_000)],
    ["digits and letters", `--max-num-seqs=${"1".repeat(100_000)}k`],
  ])("an argument of 100 000 %s takes no time", async (_name, arg) => {
    await within(10, () => outcomeOf(withArguments([arg])));
    await within(10, () => outcomeOf(withArguments([`vllm serve m ${arg}`], ["bash", "-c"])));
  });
});
