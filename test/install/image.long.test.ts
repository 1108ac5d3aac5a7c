import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../e2e/program.ts";
import { listOf, type Stage, stagesOf } from "./dockerfile.ts";

/**
 * The Dockerfile's own steps, one after the other, in folders in place of containers: pack, install for production in an empty folder, start
 * from there as nobody in particular and without the right to write. Only the first `npm ci` is left out: what it would install is here.
 */
const checkout = fileURLToPath(new URL("../../", import.meta.url));
const stages = stagesOf(new URL("../../Dockerfile", import.meta.url));
const machines = mkdtempSync(join(tmpdir(), "servetwin-image-"));
const run = promisify(execFile);

/** The folder that stands for the root of a stage's file system. */
const rootOf = (stage: string): string => join(machines, stage);

const copy = (root: string, folder: string, text: string): void => {
  const [, from, what = ""] = /^(?:--from=(\S+) )?(.*)$/.exec(text) ?? [];
  const words = what.split(" ");
  const target = join(root, words.at(-1) === "./" ? folder : (words.at(-1) as string));
  mkdirSync(target, { recursive: true });
  for (const source of words.slice(0, -1)) {
    const path = join(rootOf(from as string), source);
    const [before = "", after = ""] = basename(path).split("*");
    const found = basename(path).includes("*")
      ? readdirSync(join(path, "..")).filter((name) => name.startsWith(before) && name.endsWith(after))
      : [basename(path)];
    for (const name of found) {
      const whole = join(path, "..", name);
      cpSync(whole, words.length === 2 ? target : join(target, name), { recursive: true, verbatimSymlinks: true });
    }
  }
};

/** Runs one stage; what is installed in the first is the checkout's. */
const build = async (stage: Stage): Promise<void> => {
  const root = rootOf(stage.name ?? "image");
  mkdirSync(root);
  let folder = "/";
  for (const { word, text } of stage.instructions) {
    const here = join(root, folder);
    if (word === "WORKDIR") mkdirSync(join(root, (folder = text)), { recursive: true });
    if (word === "COPY" && text === ". .") {
      const { stdout } = await run("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
        cwd: checkout,
      });
      const files = stdout.split("\n").filter((file) => file !== "" && existsSync(join(checkout, file)));
      const wanted = files.filter((file) => !file.startsWith("test/") && file !== "node_modules");
      for (const file of wanted) cpSync(join(checkout, file), join(here, file));
    } else if (word === "COPY") copy(root, folder, text);
    if (word === "RUN" && stage.name === "pack" && text.startsWith("npm ci ")) {
      symlinkSync(join(checkout, "node_modules"), join(here, "node_modules"));
    } else if (word === "RUN") {
      const command = text.replace("--pack-destination /", `--pack-destination ${root}`);
      await run("sh", ["-ec", command], { cwd: here, maxBuffer: 2 ** 24 });
    }
  }
};

describe("the image", () => {
  beforeAll(async () => {
    for (const stage of stages) await build(stage);
    for (const folder of [machines, rootOf("image")]) chmodSync(folder, 0o755);
  }, 600_000);
  afterAll(() => rmSync(machines, { recursive: true, force: true }));

  it("is built on a Node that is supported, and runs as nobody", () => {
    expect(stages.map(({ base }) => base)).toEqual([
      "node:24-bookworm-slim",
      "node:24-bookworm-slim",
      "gcr.io/distroless/nodejs24-debian12:nonroot",
    ]);
  });

  it("holds what the package's files list promises, and nothing of the sources", () => {
    const { files } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as { files: string[] };
    const there = readdirSync(join(rootOf("image"), "app"));
    expect(there).toEqual(
      expect.arrayContaining(files.filter((name) => existsSync(join(checkout, name)) || name === "dist")),
    );
    expect(there).not.toContain("src");
    expect(there).not.toContain("test");
    expect(readdirSync(join(rootOf("image"), "app/node_modules"))).not.toContain("vitest");
    expect(existsSync(join(rootOf("image"), "app/deploy/helm/servetwin/Chart.yaml"))).toBe(true);
    expect(existsSync(join(rootOf("image"), "app/dist/types/index.d.ts"))).toBe(true);
  });

  it("starts from there, as another user and without writing a file, and runs a Preview", async () => {
    const [, program = ""] = listOf(stages, "ENTRYPOINT");
    const [command = ""] = listOf(stages, "CMD");
    const app = join(rootOf("image"), program);
    const folder = join(rootOf("image"), "app/deploy/examples/faults");
    const manifests = mkdtempSync(join(machines, "manifests-"));
    for (const name of ["vllm-llama-8b.yaml", "hpa.yaml"])
      cpSync(join(folder, "../quickstart", name), join(manifests, name));
    cpSync(join(folder, "simulations.yaml"), join(manifests, "simulations.yaml"));
    chmodSync(manifests, 0o755);
    // As with a read-only root file system: Node refuses every write.
    const [major = 0] = process.versions.node.split(".").map(Number);
    const permission = major >= 24 ? "--permission" : "--experimental-permission";
    const child = spawn(
      process.execPath,
      [
        permission,
        "--allow-fs-read=*",
        "--allow-worker",
        app,
        command,
        manifests,
        "--listen=127.0.0.1:0",
        "--threads=2",
      ],
      { cwd: "/", stdio: ["ignore", "pipe", "pipe"], ...(process.getuid?.() === 0 ? { uid: 65532, gid: 65532 } : {}) },
    );
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (output += text.toString()));
    const detail = () => output;
    try {
      const url = await eventually(
        async () => {
          if (child.exitCode !== null) throw new Error(output);
          return /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
        },
        { what: "address", detail },
      );
      await eventually(async () => (await fetch(`${url}/readyz`)).status === 200, { what: "/readyz", detail });
      await eventually(
        async () => {
          const { simulations } = (await (await fetch(`${url}/api/v1/simulations`)).json()) as {
            simulations: { phase: string }[];
          };
          return simulations.length > 0 && simulations.every(({ phase }) => phase === "Succeeded");
        },
        { withinSeconds: 90, what: "Previews", detail },
      );
      expect(output).not.toContain("ERR_ACCESS_DENIED");
    } finally {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
    expect(child.exitCode).toBe(0);
  });
});
