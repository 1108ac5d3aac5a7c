import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually, type Program, up } from "./program.ts";

/** The operator on a folder, as `npm start` runs it, but for a shorter horizon and fewer requests. */
const quickstart = fileURLToPath(new URL("../../deploy/examples/quickstart", import.meta.url));

let folder: string;
let program: Program | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "servetwin-folder-"));
  cpSync(quickstart, folder, { recursive: true });
  edit("simulations.yaml", (text) => text.replace("horizon: 2h", "horizon: 40m").replaceAll("rate: 6", "rate: 2"));
});
afterEach(async () => {
  expect(await program?.stop()).toBe(0);
  program = undefined;
  rmSync(folder, { recursive: true });
});

/** As editors do: a new file takes the old one's place. */
const edit = (name: string, change: (text: string) => string): void => {
  const path = join(folder, name);
  writeFileSync(`${path}.new~`, change(readFileSync(path, "utf8")));
  renameSync(`${path}.new~`, path);
};

interface Detail {
  phase: string;
  verdict?: string;
  status: { inputDigest?: string; conditions: { type: string; status: string; reason: string; message: string }[] };
  runs: { timeline: { columns: { replicasReady: number[] } } }[];
}

const detail = async (name: string): Promise<Detail> =>
  (await (await fetch(`${program?.url}/api/v1/simulations/inference/${name}`)).json()) as Detail;

const metrics = async (): Promise<string> => (await fetch(`${program?.url}/metrics`)).text();

const finished = (name: string, except?: string): Promise<Detail> =>
  eventually(
    async () => {
      const found = await detail(name);
      return (
        found.status?.inputDigest !== undefined &&
        found.status.inputDigest !== except &&
        found.phase === "Succeeded" &&
        found
      );
    },
    { what: `end of ${name}`, detail: () => program?.output() ?? "" },
  );

describe("servetwin up FOLDER", () => {
  it("serves page, API and metrics, and follows what is edited, broken, mended and deleted", async () => {
    program = await up([folder]);
    expect((await fetch(`${program.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${program.url}/readyz`)).status).toBe(200);
    const first = await finished("chat-preview");
    expect(await (await fetch(program.url)).text()).toContain("chat-preview");
    await eventually(async () => (await metrics()).includes('simulation="inference/chat-shadow"'), {
      what: "the shadow's series",
    });
    expect(await metrics()).toMatch(
      /^sim:vllm:time_to_first_token_seconds_bucket\{.*origin="simulated".*simulation="inference\/chat-preview"/m,
    );

    edit("hpa.yaml", (text) => text.replace("minReplicas: 1", "minReplicas: 4"));
    const second = await finished("chat-preview", first.status.inputDigest);
    expect(second.runs[0]?.timeline.columns.replicasReady).not.toEqual(first.runs[0]?.timeline.columns.replicasReady);

    const sound = readFileSync(join(folder, "vllm-llama-8b.yaml"), "utf8");
    edit("vllm-llama-8b.yaml", (text) => text.replace("meta-llama/Llama-3.1-8B-Instruct", "acme/Secret-9B"));
    const stalled = await eventually(
      async () =>
        (await detail("chat-preview")).status.conditions.find(
          ({ type, status }) => type === "Stalled" && status === "True",
        ),
      { what: "Stalled" },
    );
    expect(stalled.reason).toBe("UnknownModel");
    expect(stalled.message).toContain("spec.overrides.model");
    edit("vllm-llama-8b.yaml", () => sound);
    await finished("chat-preview");

    edit("simulations.yaml", (text) => text.slice(0, text.indexOf("---")));
    await eventually(async () => !(await metrics()).includes("chat-shadow"), { what: "end of the shadow's series" });
    expect((await fetch(`${program.url}/api/v1/simulations/inference/chat-shadow`)).status).toBe(404);
  });

  it("cancels a preview that is superseded", async () => {
    const month = (text: string): string => text.replace("horizon: 40m", "horizon: 30d");
    edit("simulations.yaml", month);
    program = await up([folder, "--threads", "1"]);
    await eventually(async () => (await detail("chat-preview")).phase === "Running", { what: "Running" });
    edit("simulations.yaml", (text) => text.replace("horizon: 30d", "horizon: 40m"));
    // With one thread the short one can only end if the long one was given up.
    await finished("chat-preview");
  });

  it("says what it can't read, and goes on with the rest", async () => {
    writeFileSync(join(folder, "broken.yaml"), "kind: Deployment\nspec: [1\n");
    program = await up([folder]);
    await finished("chat-preview");
    await eventually(async () => /broken\.yaml:\d+/.test(await (await fetch(program?.url ?? "")).text()), {
      what: "the problem on the page",
    });
  });
});
