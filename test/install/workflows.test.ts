import { existsSync, readdirSync, readFileSync } from "node:fs";
import { load } from "js-yaml";
import { describe, expect, it } from "vitest";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "timeout-minutes"?: number;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** What only a machine of GitHub runs is held here as far as reading goes: rights, pins, and that what it calls is there. */
const root = new URL("../../", import.meta.url);
const folder = new URL(".github/workflows/", root);
const workflows = readdirSync(folder).map(
  (name) => [name, load(readFileSync(new URL(name, folder), "utf8")) as Workflow] as const,
);
const { scripts } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
  scripts: Record<string, string>;
};

describe.each(workflows)("%s", (_name, { permissions, jobs }) => {
  const steps = Object.values(jobs).flatMap((job) => job.steps);

  it("may read the sources, and each job no more than it says itself", () => {
    expect(permissions).toEqual({ contents: "read" });
    for (const job of Object.values(jobs)) expect(job["timeout-minutes"]).toBeGreaterThan(0);
  });

  it("pins every action to a major version or a commit", () => {
    for (const { uses } of steps)
      if (uses !== undefined) expect(uses).toMatch(/^[\w.-]+\/[\w./-]+@(v\d+|[0-9a-f]{40})$/);
  });

  it("leaves no token of the checkout behind", () => {
    const checkouts = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
    for (const checkout of checkouts) expect(checkout.with).toMatchObject({ "persist-credentials": false });
  });

  it("runs scripts, and uses files, that there are", () => {
    const text = steps.map(({ run = "" }) => run).join("\n");
    for (const [, script] of text.matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty([script as string]);
    const paths = [...text.matchAll(/\b(?:deploy|crds)\/[\w./-]+/g)].map(([path]) => path);
    expect(paths.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
  });

  it("puts nothing that others write into a shell's text", () => {
    for (const { run = "" } of steps) expect(run).not.toMatch(/\$\{\{\s*(github\.(event|head_ref)|inputs)/);
  });

  it("needs only jobs that there are", () => {
    for (const { needs = [] } of Object.values(jobs))
      for (const name of [needs].flat()) expect(Object.keys(jobs)).toContain(name);
  });
});

describe("a release", () => {
  const release = workflows.find(([name]) => name === "release.yaml")?.[1] as Workflow;

  it("comes of a tag, after the tests, and each job has the rights for its own thing only", () => {
    expect(Object.keys(release.on)).toEqual(["push"]);
    const rights = Object.fromEntries(Object.entries(release.jobs).map(([name, job]) => [name, job.permissions]));
    expect(rights).toEqual({
      verify: undefined,
      package: { contents: "read", "id-token": "write" },
      image: { contents: "read", packages: "write", "id-token": "write", attestations: "write" },
      chart: { contents: "read", packages: "write" },
      notes: { contents: "write" },
    });
    for (const [name, { needs }] of Object.entries(release.jobs)) if (name !== "verify") expect(needs).toBeDefined();
  });

  it("publishes package, image and chart, with bill of materials and provenance", () => {
    const text = JSON.stringify(release.jobs);
    for (const part of ["npm publish --provenance", "npm sbom", '"sbom":true', "helm push", "attest-build-provenance"])
      expect(text).toContain(part);
  });
});
