import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUNDLE, runProgram } from "./program.ts";

/** The command line as a user meets it: what it prints and how it ends, in good days and bad. */
const root = fileURLToPath(new URL("../../", import.meta.url));
const quickstart = "deploy/examples/quickstart";
const manifest = (name: string): string => readFileSync(join(root, quickstart, name), "utf8");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "servetwin-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const simulation = (over: { spec?: string; workload?: string; run?: string } = {}): string => `
apiVersion: servetwin.dev/v1alpha1
kind: InferenceSimulation
metadata: { name: short, namespace: inference }
spec:
  mirror: { workloads: [{ kind: Deployment, name: vllm-llama-8b }] }
  workload:
${over.workload ?? "    synthetic: { clients: [{ name: chat, rate: 2, arrival: { process: poisson }, prompt: { distribution: constant, tokens: 300 }, output: { distribution: constant, tokens: 50 } }] }"}
  run: { horizon: ${over.run ?? "5m"} }
${over.spec ?? ""}`;

/** Runs the program on the quickstart's Deployment and HPA, each changed as told, and a small simulation. */
const run = (
  change: {
    deployment?: (text: string) => string;
    hpa?: (text: string) => string;
    simulation?: string;
    more?: string;
  } = {},
  ...args: string[]
) => {
  const same = (text: string): string => text;
  const parts = [
    (change.deployment ?? same)(manifest("vllm-llama-8b.yaml")),
    (change.hpa ?? same)(manifest("hpa.yaml")),
    change.simulation ?? simulation(),
    change.more ?? "",
  ];
  return runProgram(["run", "-f", "-", ...args], parts.join("\n---\n"), folder);
};

describe("servetwin run", () => {
  it("prints JSON with units in every name, the same bytes each time", async () => {
    const [one, two] = [await run({}, "-o", "json"), await run({}, "-o", "json", "--threads", "2")];
    expect(one.stderr).toBe("");
    expect(one.code).toBe(0);
    expect(two.stdout).toBe(one.stdout);
    const { simulations, simulated } = JSON.parse(one.stdout) as {
      simulated: boolean;
      simulations: { kpis: Record<string, { mean: number }>; runs: { timeline: { atSeconds: number[] } }[] }[];
    };
    expect(simulated).toBe(true);
    expect(simulations[0]?.kpis.requestsArrived?.mean).toBeGreaterThan(400);
    expect(simulations[0]?.kpis.ttftP99Seconds?.mean).toBeGreaterThan(0.01);
    expect(simulations[0]?.runs[0]?.timeline.atSeconds.length).toBeGreaterThan(10);
  });

  it("prints tables and plots for people, and YAML", async () => {
    const { stdout } = await run();
    for (const word of ["time to first token", "GPU-hours", "replicas ready", "Simulated, not measured"])
      expect(stdout).toContain(word);
    expect((await run({}, "-o", "yaml")).stdout).toContain("ttftP99Seconds:");
  });

  it.each([
    { name: "met", atMost: "60s", code: 0 },
    { name: "not met", atMost: "1ms", code: 1 },
  ])("ends with $code where objectives are $name", async ({ atMost, code }) => {
    const spec = `  objectives: [{ metric: ttft, percentile: 99, atMost: ${atMost} }]`;
    expect((await run({ simulation: simulation({ spec }) })).code).toBe(code);
  });

  it("runs replications under seeds of their own", async () => {
    const { stdout } = await run({ simulation: simulation({ run: "5m, replications: 3" }) }, "-o", "json");
    const { simulations } = JSON.parse(stdout) as {
      simulations: { runs: { seed: number; kpis: { requests: { arrived: number } } }[] }[];
    };
    expect(simulations[0]?.runs.map(({ seed }) => seed)).toEqual([1, 2, 3]);
    expect(new Set(simulations[0]?.runs.map(({ kpis }) => kpis.requests.arrived)).size).toBeGreaterThan(1);
  });
});

describe("the example of profiles", () => {
  it("runs what other tools describe, clients that retry and workers", async () => {
    const { code, stdout } = await runProgram([
      "run",
      "-f",
      join(root, "deploy/examples/profiles"),
      "--no-bands",
      "-o",
      "json",
    ]);
    expect(code).toBe(0);
    const { simulations } = JSON.parse(stdout) as {
      simulations: { runs: { notes?: string[]; kpis: { requests: { arrived: number; completed: number } } }[] }[];
    };
    expect(simulations).toHaveLength(3);
    for (const { runs } of simulations) expect(runs[0]?.kpis.requests.completed).toBeGreaterThan(300);
    expect(stdout).toContain("retries of failed requests were sent");
  });
});

describe("servetwin run --requests", () => {
  const replay = "deploy/examples/replay";
  interface Line {
    readonly id: number;
    readonly outcome: string | null;
  }
  const linesOf = (text: string): Line[] =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);

  it("writes a line per request of the example's trace, with the trace's ids", async () => {
    const file = join(folder, "requests.jsonl");
    const { code, stdout, stderr } = await runProgram(["run", "-f", join(root, replay), "--requests", file]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const lines = linesOf(readFileSync(file, "utf8"));
    const rows =
      readFileSync(join(root, replay, "trace/agents.csv"), "utf8")
        .trimEnd()
        .split("\n").length - 1;
    expect(stdout).toMatch(new RegExp(`requests arrived +│ +${rows} `));
    expect(lines.map(({ id }) => id).sort((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, id) => id));
    expect(new Set(lines.map(({ outcome }) => outcome))).toEqual(new Set(["stop"]));
    const printed = await runProgram(["run", "-f", join(root, replay), "--requests", "-", "-o", "json"]);
    expect(printed.stdout).toBe(readFileSync(file, "utf8"));
    expect(JSON.parse(printed.stderr)).toMatchObject({ simulated: true });
    expect(readdirSync(folder).filter((name) => name.includes(".part"))).toEqual([]);
  });

  it("wants one run", async () => {
    const file = join(folder, "many.jsonl");
    const { code, stderr } = await run({ simulation: simulation({ run: "5m, replications: 3" }) }, "--requests", file);
    expect(stderr).toMatch(/--requests takes the requests of one run, and there are 3; .*--simulation/);
    expect(code).toBe(2);
    expect(existsSync(file)).toBe(false);
  });

  it.each([
    { what: "a folder that is not there", to: "nowhere/a.jsonl", says: /nowhere\/a\.jsonl can't be written/ },
    { what: "a folder", to: ".", says: /is not a file/ },
  ])("says that it can't write to $what", async ({ to, says }) => {
    const { code, stderr } = await run({}, "--requests", to);
    expect(stderr).toMatch(says);
    expect(code).toBe(2);
  });

  it("leaves nothing half-done where the trace is broken", async () => {
    const file = join(folder, "broken.jsonl");
    const trace = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,9,x\n";
    writeFileSync(join(folder, "broken.csv"), trace);
    const workload = "    trace: { format: azure-2023, path: broken.csv }";
    const { code, stderr } = await run({ simulation: simulation({ workload }) }, "--requests", file);
    expect(stderr).toMatch(/trace broken\.csv, line 2: GeneratedTokens is "x"/);
    expect(code).toBe(2);
    expect(readdirSync(folder).filter((name) => name.startsWith("broken.jsonl"))).toEqual([]);
  });
});

const args = (from: RegExp, to: string) => (text: string) => {
  expect(text).toMatch(from);
  return text.replace(from, to);
};

describe("bad input ends with 2 and one clear error", () => {
  it.each([
    { name: "malformed YAML", change: { more: "a: [1\nb: 2" }, says: /standard input:\d+: .*/ },
    {
      name: "an unknown kind of ours",
      change: { more: "apiVersion: servetwin.dev/v1alpha1\nkind: InferenceSimulaton\nmetadata: { name: x }\n" },
      says: /did you mean .?InferenceSimulation/,
    },
    {
      name: "a negative rate",
      change: { simulation: simulation().replace("rate: 2", "rate: -2") },
      says: /spec\.workload\.synthetic\.clients\[0\]\.rate: .*-2/,
    },
    {
      name: "a horizon of a million years",
      change: { simulation: simulation({ run: "365000000d" }) },
      says: /spec\.run\.horizon: .*31d.*--max-horizon/,
    },
    {
      name: "an unknown field",
      change: { simulation: simulation({ spec: "  objectivs: []" }) },
      says: /did you mean `?objectives/,
    },
    {
      name: "an HPA that targets nothing",
      change: {
        hpa: args(/name: vllm-llama-8b\n(?=\s+minReplicas)/, "name: vllm-lama-8b\n"),
        simulation: simulation().replace("mirror: {", "mirror: { autoscaler: { name: vllm-llama-8b },"),
      },
      says: /HorizontalPodAutoscaler.*vllm-lama-8b/,
    },
    {
      name: "a Deployment that is not vLLM",
      change: {
        deployment: (text: string) =>
          text
            .replace(/image: .*/, "image: nginx:1.29")
            .replace(/command: .*/, "command: [nginx]")
            .replace(/args:\n(\s+- .*\n)+/, "args: []\n"),
      },
      says: /vllm/i,
    },
    {
      name: "a TP that the GPU count can't hold",
      change: { deployment: args(/--tensor-parallel-size=1/, "--tensor-parallel-size=4") },
      says: /tensor-parallel|GPU/,
    },
    {
      name: "a model that does not fit",
      change: { deployment: args(/meta-llama\/Llama-3\.1-8B-Instruct/g, "meta-llama/Llama-3.1-70B-Instruct") },
      says: /GiB/,
    },
    {
      name: "an unknown model",
      change: { deployment: args(/meta-llama\/Llama-3\.1-8B-Instruct/g, "acme/Secret-9B") },
      says: /acme\/Secret-9B.*overrides\.model/,
    },
    {
      name: "a missing workload",
      change: { simulation: simulation().replace("name: vllm-llama-8b", "name: vllm-llama-9b") },
      says: /vllm-llama-9b/,
    },
  ])("$name", async ({ change, says }) => {
    const { code, stderr, stdout } = await run(change);
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/internal error|at .*\.js:\d+/);
    expect(code).toBe(2);
    expect(stdout).toBe("");
  });

  it("runs candidates beside the baseline, under the same random numbers", async () => {
    const example = readFileSync(join(root, "deploy/examples/candidates/simulation.yaml"), "utf8");
    const short = example.replace("horizon: 50m", "horizon: 2m").replace("warmUp: 5m", "warmUp: 0s");
    const { code, stdout, stderr } = await run({ simulation: short }, "--no-bands", "-o", "json");
    expect(stderr).toBe("");
    const { simulations } = JSON.parse(stdout) as {
      simulations: {
        scenario: string;
        differences?: Record<string, unknown>;
        runs: { seed: number; kpis: { requests: { arrived: number } } }[];
      }[];
    };
    expect(simulations.map(({ scenario }) => scenario)).toEqual([
      "baseline",
      "two-at-least",
      "slower-scale-in",
      "running-requests",
    ]);
    const arrived = simulations.map(({ runs }) => runs.map(({ seed, kpis }) => [seed, kpis.requests.arrived]));
    for (const one of arrived) expect(one).toEqual(arrived[0]);
    expect(simulations.map(({ differences }) => differences !== undefined)).toEqual([false, true, true, true]);
    expect(code).toBe(0);
    const table = await run({ simulation: short }, "--no-bands");
    expect(table.stdout).toMatch(
      /baseline │ two-at-least │ +change │ slower-scale-in │ +change │ running-requests │ +change/,
    );
    expect(table.stdout).toMatch(/TTFT mean/);
  });

  it.each([
    {
      folder: "deploy/examples/disaggregation",
      says: /gateway\.kvTransfer\.bandwidthGBs +│ 25 .*candidate slow-link: what differs[^]*kvTransfer\.bandwidthGBs +│ 4 /s,
    },
    {
      folder: "deploy/examples/llm-d-routing",
      says: /gateway\.policy +│ round-robin .*candidate endpoint-picker: what differs[^]*prefix-cache-scorer/s,
    },
    {
      folder: "deploy/examples/leaderworkerset",
      says: /gpusPerReplica +│ 16 +│ derived: of a group: .*candidate three-groups: what differs[^]*minReplicas +│ 3 /s,
    },
  ])("explains $folder and its candidates", async ({ folder: example, says }) => {
    const { code, stdout, stderr } = await runProgram(["explain", "-f", example], undefined, root);
    expect(stdout).toMatch(says);
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("says which candidate can't be simulated, and why", async () => {
    const spec = `  candidates:
    - name: no-such-model
      patches:
        - target: { kind: Deployment }
          json6902: [{ op: replace, path: /spec/template/spec/containers/0/args, value: [--model, acme/Secret-9B] }]
`;
    const { code, stderr, stdout } = await run({ simulation: simulation({ spec }) });
    expect(stderr).toMatch(/in candidate no-such-model: .*acme\/Secret-9B/);
    expect([code, stdout]).toEqual([2, ""]);
  });

  describe("a trace with a broken line", () => {
    const trace = (onError: string) => {
      writeFileSync(
        join(folder, "broken.csv"),
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,374,44\nnonsense\n2023-11-16 18:17:05.0000000,100,10\n",
      );
      return simulation({ workload: `    trace: { format: azure-2023, path: broken.csv, onError: ${onError} }` });
    };

    it("fails with its number", async () => {
      const { code, stderr } = await run({ simulation: trace("Fail") });
      expect(stderr).toMatch(/line 3/);
      expect(stderr).toContain("onError: Skip");
      expect(code).toBe(2);
    });

    it("or skips and counts it", async () => {
      const { code, stdout } = await run({ simulation: trace("Skip") });
      expect(stdout).toMatch(/1 lines? of the trace were skipped, the first is line 3/);
      expect(code).toBe(0);
    });

    it("is not read from outside the folder", async () => {
      const said = simulation({ workload: "    trace: { format: azure-2023, path: ../../etc/hostname }" });
      const { code, stderr } = await run({ simulation: said });
      expect(stderr).toMatch(/outside the folder|no file/);
      expect(code).toBe(2);
    });
  });

  it.each([
    { args: ["run"], says: /--filename/ },
    { args: ["run", "-f", "no-such-file.yaml"], says: /no-such-file\.yaml/ },
    { args: ["nonsense"], says: /unknown command/ },
    { args: ["up"], says: /--kubeconfig/ },
    { args: ["up", "no-such-folder", "--listen", "127.0.0.1:0"], says: /no-such-folder/ },
    { args: ["up", "--kubeconfig", "no-such-file", "--listen", "127.0.0.1:0"], says: /no-such-file/ },
    { args: ["up", "."], listen: true, says: /address to listen on/ },
  ])("$args", async ({ args: said, says, listen }) => {
    const { code, stderr } = await runProgram(
      [...said, ...(listen === true ? ["--listen", "127.0.0.1:http"] : [])],
      undefined,
      folder,
    );
    expect(stderr).toMatch(says);
    expect(code).toBe(2);
  });
});

describe("servetwin explain", () => {
  it("tells of the endpoint picker's example where each value of the gateway is from", async () => {
    const { stdout, stderr, code } = await runProgram(
      ["explain", "-f", "deploy/examples/llm-d-epp", "-o", "json"],
      undefined,
      root,
    );
    expect([code, stderr]).toEqual([0, ""]);
    const [{ values, warnings }] = JSON.parse(stdout) as [{ values: { path: string }[]; warnings: unknown[] }];
    expect(warnings).toEqual([]);
    const found = (path: string) => values.find((one) => one.path === path);
    expect(found("gateway.pool")).toMatchObject({ value: "qwen3-14b" });
    expect(found("gateway.gate.flowControl.defaultRequestTTLSeconds")).toEqual({
      path: "gateway.gate.flowControl.defaultRequestTTLSeconds",
      value: 30,
      from: {
        kind: "field",
        object: "ConfigMap/serving/qwen3-14b-epp",
        field: 'data["plugins.yaml"].flowControl.defaultRequestTTL',
      },
    });
  });
});

describe("help", () => {
  it("has examples for every command, and exit codes", async () => {
    const { stdout, code } = await runProgram(["--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("Exit codes: 0");
    for (const command of ["up", "run", "explain", "fit-model", "crds"]) {
      expect(stdout).toContain(command);
      expect((await runProgram([command, "--help"])).stdout).toMatch(/Examples?:/);
    }
  });

  it("runs by its own name, as npm links it", () => {
    expect(execFileSync(BUNDLE, ["--version"], { encoding: "utf8" })).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("ends in peace when its reader has read enough", async () => {
    const child = spawn(process.execPath, [BUNDLE, "crds"], { stdio: ["ignore", "pipe", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    child.stdout.destroy();
    const [code] = (await once(child, "exit")) as [number];
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("prints version and CRDs", async () => {
    expect((await runProgram(["--version"])).stdout.trim()).toBe(
      (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version,
    );
    expect((await runProgram(["crds"])).stdout).toBe(
      readFileSync(join(root, "crds/servetwin.dev_inferencesimulations.yaml"), "utf8"),
    );
  });
});

describe("servetwin run --openmetrics", () => {
  const dated = `  overrides: { autoscaler: { startTime: "2026-01-05T08:00:00Z" } }`;

  it("writes the series over time with their date, under the simulation's own labels", async () => {
    const spec = `${dated}\n  export: { labels: { team: chat } }`;
    const file = join(folder, "twin.om");
    const args = ["--openmetrics", file, "--metrics-interval", "1m", "--no-bands"];
    const { code, stderr } = await run({ simulation: simulation({ spec }) }, ...args);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const lines = readFileSync(file, "utf8").split("\n");
    const waiting = lines.filter((line) => line.startsWith("sim:vllm:num_requests_waiting{"));
    expect(waiting.at(-1)).toMatch(
      /team="chat",.*origin="simulated",simulation="inference\/short",scenario="baseline"/,
    );
    // 2026-01-05T08:00:00Z and five minutes.
    expect(waiting.at(-1)).toMatch(/ 1767600300\.000$/);
    expect(lines.slice(-2)).toEqual(["# EOF", ""]);
  });

  it("wants a date, and an interval that Prometheus can tell", async () => {
    const undated = await run({}, "--openmetrics", "twin.om");
    expect(undated.code).toBe(2);
    expect(undated.stderr).toMatch(/has no date: .*mode: Replay.*overrides\.autoscaler\.startTime/s);
    const often = await run({}, "--openmetrics", "twin.om", "--metrics-interval", "10us");
    expect(often.stderr).toMatch(/write 1ms or more/);
  });
});

describe("servetwin run --decisions", () => {
  it("shares standard output with nobody, and wants one run", async () => {
    const both = await run({}, "--requests", "-", "--decisions", "-");
    expect(both.stderr).toMatch(/--requests and --decisions can't share standard output/);
    const many = await run(
      { simulation: simulation({ run: "5m, replications: 2" }) },
      "--decisions",
      join(folder, "d.jsonl"),
    );
    expect(many.stderr).toMatch(/--decisions takes the decisions of one run, and there are 2/);
    const sample = await run({}, "--decisions", "d.jsonl", "--decision-sample", "0");
    expect([both.code, many.code, sample.code]).toEqual([2, 2, 2]);
    expect(readdirSync(folder).filter((name) => name.startsWith("d.jsonl"))).toEqual([]);
  });
});

describe("objectives of requests", () => {
  const slo = `  slo: [{ sloClass: standard, ttft: 10s, e2e: 60s }]
  objectives: [{ metric: sloAttainment, sloClass: standard, atLeast: "0.9" }, { metric: tpot, percentile: 99, atMost: 1s }]`;

  it("are judged, shown and told with the saturation of the run", async () => {
    const { code, stdout, stderr } = await run({ simulation: simulation({ spec: slo }) }, "--no-bands");
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(/sloAttainment of standard +│ +≥ 0\.9 /);
    expect(stdout).toMatch(/saturation: (STABLE|BACKLOGGED) \(score/);
    expect(stdout).toMatch(/objectives of requests: [0-9.]+ % attained, goodput [0-9.]+ requests\/s/);
  });

  it("fail where they are out of reach", async () => {
    const strict = slo.replace("ttft: 10s", "ttft: 1us");
    expect((await run({ simulation: simulation({ spec: strict }) }, "--no-bands")).code).toBe(1);
  });
});
