import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { objectText } from "../../src/model/object-text.ts";
import { describeProblem } from "../../src/model/problem.ts";
import { folderStore } from "../../src/store/folder.ts";
import { WATCHED_KINDS } from "../../src/store/kinds.ts";
import { type ObjectRef, type Store } from "../../src/store/store.ts";

const deployment = (name: string, replicas: number): string =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: ${name}\nspec:\n  replicas: ${replicas}\n`;
const ref = (name: string): ObjectRef => ({ apiVersion: "apps/v1", kind: "Deployment", namespace: "default", name });

let folder: string;
let store: Store;
let stopping: AbortController;
let heard: string[];

const path = (file: string): string => join(folder, file);
const write = (file: string, text: string): void => writeFileSync(path(file), text);
const replicas = (name: string): unknown =>
  (store.get(ref(name))?.object.spec as { replicas?: number } | undefined)?.replicas;
const told = (): string[] => store.problems.map(describeProblem);

const start = async (): Promise<void> => {
  store = folderStore({ folder, kinds: WATCHED_KINDS });
  store.onChange((changed) => heard.push(objectText(changed)));
  await store.start(stopping.signal);
  heard.length = 0;
};

const eventually = async (check: () => void, withinMs = 4000): Promise<void> => {
  await vi.waitFor(check, { timeout: withinMs, interval: 20 });
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "servetwin-folder-"));
  stopping = new AbortController();
  heard = [];
});

afterEach(() => {
  stopping.abort();
  rmSync(folder, { recursive: true, force: true });
});

describe("a folder", () => {
  it("is read with those below it, but not what is hidden or installed", async () => {
    mkdirSync(path("below/deeper"), { recursive: true });
    mkdirSync(path("node_modules/x"), { recursive: true });
    mkdirSync(path(".git"));
    write("a.yaml", deployment("a", 1));
    write("below/b.yml", deployment("b", 2));
    write(
      "below/deeper/c.json",
      JSON.stringify({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "c" }, spec: { replicas: 3 } }),
    );
    write("node_modules/x/d.yaml", deployment("d", 4));
    write(".git/e.yaml", deployment("e", 5));
    write(".f.yaml.swp", deployment("f", 6));
    write(".g.yaml", deployment("g", 7));
    write("notes.txt", "a: [");
    await start();
    expect(store.synced).toBe(true);
    expect(store.list("Deployment").map(({ object, file, line }) => [object.metadata.name, file, line])).toEqual([
      ["a", "a.yaml", 1],
      ["b", "below/b.yml", 1],
      ["c", "below/deeper/c.json", 1],
    ]);
    expect(told()).toEqual([]);
  });

  it("that is not there is an error of start", async () => {
    folder = join(folder, "none");
    await expect(start()).rejects.toMatchObject({
      name: "StoreError",
      kind: "refused",
      message: expect.stringContaining(folder),
    });
  });

  it("follows links to files, as mounted ConfigMaps have them, and sees when they lead elsewhere", async () => {
    for (const [version, count] of [
      ["..1", 1],
      ["..2", 2],
    ] as const) {
      mkdirSync(path(version));
      writeFileSync(join(path(version), "a.yaml"), deployment("a", count));
    }
    symlinkSync("..1", path("..data"));
    symlinkSync("..data/a.yaml", path("a.yaml"));
    await start();
    expect(replicas("a")).toBe(1);
    symlinkSync("..2", path("..data_tmp"));
    renameSync(path("..data_tmp"), path("..data"));
    await eventually(() => expect(replicas("a")).toBe(2));
  });

  it("is watched for new, changed, renamed and deleted files", async () => {
    write("a.yaml", deployment("a", 1));
    await start();
    write("b.yaml", deployment("b", 1));
    await eventually(() => expect(heard).toEqual(["Deployment/default/b"]));
    write("a.yaml", `${deployment("a", 2)}---\n${deployment("a2", 1)}`);
    await eventually(() => expect(replicas("a2")).toBe(1));
    expect(replicas("a")).toBe(2);
    renameSync(path("b.yaml"), path("c.yaml"));
    await eventually(() => expect(store.get(ref("b"))?.file).toBe("c.yaml"));
    heard.length = 0;
    unlinkSync(path("a.yaml"));
    await eventually(() => expect(heard.sort()).toEqual(["Deployment/default/a", "Deployment/default/a2"]));
    expect(store.list("Deployment")).toHaveLength(1);
  });

  it("is watched where folders come and go", async () => {
    await start();
    mkdirSync(path("new/deep"), { recursive: true });
    await sleep(300);
    write("new/deep/a.yaml", deployment("a", 1));
    await eventually(() => expect(replicas("a")).toBe(1));
    write("new/deep/a.yaml", deployment("a", 2));
    await eventually(() => expect(replicas("a")).toBe(2));
    rmSync(path("new"), { recursive: true });
    await eventually(() => expect(store.list("Deployment")).toEqual([]));
  });

  it("says nothing of files that are written again as they were", async () => {
    write("a.yaml", deployment("a", 1));
    await start();
    write("a.yaml", `# a comment\n${deployment("a", 1)}`);
    await eventually(() => expect(store.get(ref("a"))?.line).toBe(2));
    expect(heard).toEqual([]);
  });

  it("sees a write of the same length in the same instant", async () => {
    write("a.yaml", deployment("a", 1));
    await start();
    for (let count = 2; count < 9; count++) {
      write("a.yaml", deployment("a", count));
      await sleep(30);
    }
    await eventually(() => expect(replicas("a")).toBe(8));
  });

  it("counts generations when the spec changes, and keeps status meanwhile", async () => {
    write("a.yaml", deployment("a", 1));
    await start();
    expect(store.get(ref("a"))?.object.metadata.generation).toBe(1);
    await store.writeStatus(ref("a"), { phase: "Running" });
    write("a.yaml", deployment("a", 1).replace("  name: a", "  name: a\n  labels: {x: z}"));
    await eventually(() => expect(store.get(ref("a"))?.object.metadata.labels).toEqual({ x: "z" }));
    expect(store.get(ref("a"))?.object).toMatchObject({ metadata: { generation: 1 }, status: { phase: "Running" } });
    write("a.yaml", deployment("a", 2));
    await eventually(() => expect(store.get(ref("a"))?.object.metadata.generation).toBe(2));
    expect(store.get(ref("a"))?.object.status).toEqual({ phase: "Running" });
  });

  it("ends with its signal", async () => {
    await start();
    stopping.abort();
    write("a.yaml", deployment("a", 1));
    await sleep(400);
    expect(store.list("Deployment")).toEqual([]);
  });

  it("goes on when a listener throws", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    await start();
    const stop = store.onChange(() => {
      throw new Error("mine");
    });
    const after: string[] = [];
    store.onChange(({ name }) => after.push(name));
    write("a.yaml", deployment("a", 1));
    await eventually(() => expect(after).toEqual(["a"]));
    expect(warned).toHaveBeenCalledTimes(1);
    stop();
    write("b.yaml", deployment("b", 1));
    await eventually(() => expect(after).toEqual(["a", "b"]));
    expect(warned).toHaveBeenCalledTimes(1);
    warned.mockRestore();
  });
});

describe("a save under way", () => {
  const whole = `${deployment("a", 1)}---\n${deployment("b", 1)}`;
  /** Whatever was seen of the objects until `until`. */
  const seenDuring = async (until: Promise<unknown>): Promise<Set<string>> => {
    const seen = new Set<string>();
    let isOver = false;
    void until.then(() => {
      isOver = true;
    });
    while (!isOver) {
      seen.add(`${String(replicas("a"))} ${String(replicas("b"))} ${told().length}`);
      await sleep(10);
    }
    return seen;
  };

  it.each<[string, number]>([
    ["in the middle of a word", whole.length - 8],
    ["between two documents", deployment("a", 1).length],
    ["at the very beginning", 0],
  ])("is waited for: cut %s", async (_name, at) => {
    write("a.yaml", whole);
    await start();
    const next = whole.replaceAll("replicas: 1", "replicas: 1 ");
    const saving = (async () => {
      write("a.yaml", whole.slice(0, at));
      await sleep(500);
      write("a.yaml", next.replace(/1 \n$/, "5\n"));
      await sleep(500);
    })();
    expect([...(await seenDuring(saving))]).toEqual(["1 1 0", "1 5 0"]);
  });

  it("of another text: half of it, then the rest", async () => {
    write("a.yaml", whole);
    await start();
    const next = `${deployment("a", 2)}---\n${deployment("b", 2)}`;
    const saving = (async () => {
      write("a.yaml", next.slice(0, next.indexOf("replicas") + 4));
      await sleep(400);
      appendFileSync(path("a.yaml"), next.slice(next.indexOf("replicas") + 4));
      await sleep(400);
    })();
    expect([...(await seenDuring(saving))]).toEqual(["1 1 0", "2 2 0"]);
  });

  it("by renaming, as editors do, never shows a gap", async () => {
    write("a.yaml", whole);
    await start();
    const saving = (async () => {
      renameSync(path("a.yaml"), path("a.yaml~"));
      write(".a.yaml.tmp", whole.replaceAll("replicas: 1", "replicas: 3"));
      await sleep(20);
      renameSync(path(".a.yaml.tmp"), path("a.yaml"));
      await sleep(500);
    })();
    expect([...(await seenDuring(saving))]).toEqual(["1 1 0", "3 3 0"]);
  });

  it("that was none: after a second the problem is told, and what was good stays", async () => {
    write("a.yaml", whole);
    await start();
    let problems = 0;
    store.onProblems(() => problems++);
    const began = performance.now();
    write("a.yaml", `${deployment("a", 9)}  replicas: 10\n`);
    await eventually(() => expect(told()).toHaveLength(1));
    expect(performance.now() - began).toBeGreaterThan(900);
    expect(told()[0]).toMatch(
      /^a.yaml:7: .*duplicated mapping key; until it can be read, its last good version counts$/,
    );
    expect([replicas("a"), replicas("b")]).toEqual([1, 1]);
    expect(problems).toBe(1);
    write("a.yaml", deployment("a", 10));
    await eventually(() => expect(told()).toEqual([]));
    expect([replicas("a"), replicas("b")]).toEqual([10, undefined]);
    expect(problems).toBe(2);
  });

  it("that was none: a file that lost its end counts as it is after a second", async () => {
    write("a.yaml", whole);
    await start();
    write("a.yaml", deployment("a", 1));
    await eventually(() => expect(replicas("b")).toBeUndefined());
    expect(replicas("a")).toBe(1);
    expect(told()).toEqual([]);
  });

  it("of a file that never was good has no objects", async () => {
    write("a.yaml", "a: [");
    await start();
    expect(told()).toHaveLength(1);
    write("b.yaml", "b: [");
    await sleep(500);
    expect(told()).toHaveLength(1);
    await eventually(() => expect(told()).toHaveLength(2));
    unlinkSync(path("a.yaml"));
    unlinkSync(path("b.yaml"));
    await eventually(() => expect(told()).toEqual([]));
  });
});

describe("what can't be read", () => {
  it("is told by file: bombs, bytes that are no text, files that are too large; the rest goes on", async () => {
    const tens = (name: string): string => `[${Array.from({ length: 10 }, () => name).join(", ")}]`;
    write(
      "bomb.yaml",
      Array.from({ length: 10 }, (_, i) => `a${i}: &a${i} ${tens(i === 0 ? "x" : `*a${i - 1}`)}\n`).join(""),
    );
    writeFileSync(path("bytes.yaml"), Buffer.from([0x61, 0x3a, 0xff, 0xfe]));
    writeFileSync(path("large.yaml"), Buffer.alloc(10 * 2 ** 20 + 1, "#"));
    writeFileSync(
      path("windows.yaml"),
      Buffer.from(`\uFEFF${deployment("utf16", 1).replaceAll("\n", "\r\n")}`, "utf16le"),
    );
    write("good.yaml", deployment("good", 1));
    await start();
    expect(told()).toEqual([
      expect.stringMatching(/^bomb.yaml:1: .*unfolds to more than/),
      expect.stringMatching(/^bytes.yaml: is not text in UTF-8/),
      expect.stringMatching(/^large.yaml: holds more than 10 MiB/),
    ]);
    expect(replicas("good")).toBe(1);
    expect(replicas("utf16")).toBe(1);
  });

  it("is told when the whole folder goes; what was read still counts", async () => {
    write("a.yaml", deployment("a", 1));
    await start();
    renameSync(folder, `${folder}-away`);
    await eventually(() => expect(told()[0]).toMatch(/what was read before still counts/), 8000);
    expect(replicas("a")).toBe(1);
    renameSync(`${folder}-away`, folder);
    write("a.yaml", deployment("a", 2));
    await eventually(() => expect(replicas("a")).toBe(2), 8000);
    expect(told()).toEqual([]);
  });

  it("names both places of an object in two files", async () => {
    write("a.yaml", deployment("a", 1));
    write("b.yaml", `\n${deployment("a", 2)}`);
    await start();
    expect(told()).toEqual([expect.stringMatching(/^b.yaml:2: Deployment\/default\/a: .*a.yaml:1/)]);
    expect(replicas("a")).toBe(1);
    unlinkSync(path("a.yaml"));
    await eventually(() => expect(replicas("a")).toBe(2));
    expect(told()).toEqual([]);
  });
});
