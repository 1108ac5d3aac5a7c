import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { load } from "js-yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUNDLE } from "../../e2e/program.ts";
import { manifest, simulation } from "../preview/platform.ts";

/** The steps of deploy/ci/github/action.yml, with deploy/ci/github/check.sh, and the job of deploy/ci/gitlab/servetwin.yml, run as the CI runs them. */
const ci = fileURLToPath(new URL("../../../deploy/ci/", import.meta.url));
const run = promisify(execFile);

interface Comment {
  readonly id: number;
  body: string;
}

/** What GitHub's and GitLab's API answer about comments; they can't be run here. */
let host: Server;
let url: string;
let comments: Comment[] = [];
let allowed = true;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "servetwin-ci-"));
  host = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const { method, url: path = "" } = request;
      const answer = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
      const page = Number(new URL(path, "http://host").searchParams.get("page") ?? 1);
      if (!allowed) return answer(403, {});
      if (method === "GET") return answer(200, comments.slice((page - 1) * 100, page * 100));
      const { body } = JSON.parse(text) as { body: string };
      if (method === "POST") {
        comments.push({ id: comments.length + 1, body });
        return answer(201, {});
      }
      const found = comments.find(({ id }) => path.endsWith(`/${id}`));
      if (found === undefined) return answer(404, {});
      found.body = body;
      return answer(200, {});
    });
  });
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
});
afterAll(() => {
  host.close();
  rmSync(folder, { recursive: true });
});

describe("deploy/ci/github/comment.mjs", () => {
  const comment = (text: string) => {
    const file = join(folder, "report.md");
    writeFileSync(file, text);
    const env = {
      ...process.env,
      GITHUB_API_URL: url,
      GITHUB_REPOSITORY: "a/b",
      GITHUB_TOKEN: "t",
      PULL_REQUEST: "7",
    };
    return run(process.execPath, [join(ci, "github", "comment.mjs"), file], { env });
  };

  it("writes one comment and keeps it up to date, however many there are", async () => {
    comments = Array.from({ length: 130 }, (_, i) => ({ id: i + 1, body: "talk" }));
    await comment("first");
    await comment("second");
    expect(comments).toHaveLength(131);
    expect(comments.at(-1)?.body).toBe("<!-- servetwin check -->\nsecond");
  });

  it("cuts what GitHub would refuse, and lets a fork be", async () => {
    comments = [];
    await comment("x".repeat(100_000));
    expect(comments[0]?.body.length).toBeLessThan(65_536);
    allowed = false;
    expect((await comment("no")).stderr).toContain("may not comment");
    allowed = true;
  });
});

describe("deploy/ci/github/action.yml", () => {
  it("runs check, keeps its reports and tells its exit code", async () => {
    const root = join(folder, "repository");
    mkdirSync(join(root, "deploy"), { recursive: true });
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], {
        cwd: root,
        stdio: "ignore",
      });
    writeFileSync(join(root, "deploy", "vllm.yaml"), manifest("vllm-llama-8b.yaml"));
    writeFileSync(join(root, "deploy", "simulation.yaml"), simulation("", "1m"));
    git("init", "-q");
    git("add", ".");
    git("commit", "-qm", "base");
    cpSync(join(ci, "github"), join(folder, "action"), { recursive: true });
    const action = load(readFileSync(join(folder, "action", "action.yml"), "utf8")) as {
      runs: { steps: { id?: string; run: string; env: Record<string, string> }[] };
    };
    const [step] = action.runs.steps;
    const [summary, output] = [join(folder, "summary"), join(folder, "output")];
    const env = {
      ...process.env,
      MANIFESTS: "deploy",
      BASE: "HEAD",
      BUDGET: "1",
      VERSION: "0",
      SERVETWIN: `${process.execPath} ${BUNDLE}`,
      GITHUB_ACTION_PATH: join(folder, "action"),
      GITHUB_STEP_SUMMARY: summary,
      GITHUB_OUTPUT: output,
    };
    expect(Object.keys(step?.env ?? {}).every((name) => name in env)).toBe(true);
    const { stdout } = await run("bash", ["-c", step?.run ?? ""], { cwd: root, env });
    expect(stdout).toContain("0 objects changed");
    expect(readFileSync(output, "utf8")).toBe("exit-code=0\n");
    expect(readFileSync(summary, "utf8")).toContain("Nothing that is simulated changes");
    writeFileSync(join(root, "deploy", "vllm.yaml"), "a: [\n");
    await run("bash", ["-c", step?.run ?? ""], { cwd: root, env });
    expect(readFileSync(output, "utf8")).toBe("exit-code=0\nexit-code=2\n");
  });
});

describe("deploy/ci/gitlab/servetwin.yml", () => {
  it("writes one note and keeps it up to date, and ends as check did", async () => {
    const job = (load(readFileSync(join(ci, "gitlab", "servetwin.yml"), "utf8")) as { servetwin: { script: string[] } })
      .servetwin;
    const bin = join(folder, "bin");
    mkdirSync(bin, { recursive: true });
    // Of the program only how it is called counts here: check.test.ts and the action run it.
    writeFileSync(join(bin, "npx"), '#!/bin/sh\necho "$*" > calls; echo report > servetwin/report.md; exit 1\n', {
      mode: 0o755,
    });
    const env = {
      ...process.env,
      PATH: `${bin}:${process.env.PATH}`,
      CI_API_V4_URL: url,
      CI_PROJECT_ID: "1",
      CI_MERGE_REQUEST_IID: "2",
      CI_MERGE_REQUEST_DIFF_BASE_SHA: "abc",
      SERVETWIN_GITLAB_TOKEN: "t",
      SERVETWIN_MANIFESTS: "deploy",
      SERVETWIN_BUDGET: "16",
      SERVETWIN_VERSION: "1",
    };
    comments = [];
    for (const _ of [1, 2]) {
      const ended = await run("bash", ["-ec", job.script.join("\n")], { cwd: folder, env }).catch(
        (error: { code?: number }) => error,
      );
      expect((ended as { code?: number }).code).toBe(1);
    }
    expect(comments.map(({ body }) => body)).toEqual(["<!-- servetwin check -->\nreport\n"]);
    expect(readFileSync(join(folder, "calls"), "utf8")).toMatch(
      /^--yes servetwin@1 check -f deploy --base abc --budget 16/,
    );
  });
});
