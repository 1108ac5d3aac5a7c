import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { runBundle } from "../../src/worker/compiled-bundle.ts";

interface Bundle {
  answer(): string;
}

const bundleOf = (answer: string): string => `(function (module, require, __url) {
  module.exports = { answer: () => require("node:path").basename(__url) + " says ${answer}" };
})`;

const folder = mkdtempSync(join(tmpdir(), "servetwin-bundle-"));
const [file, cache] = [join(folder, "program-A.cjs"), join(folder, "cache")];
const [beside, ofUser] = [join(folder, "run.code"), join(cache, "servetwin", "run.code")];
vi.stubEnv("XDG_CACHE_HOME", cache);

/** Whether it began with code that was kept: then it keeps none. */
const beganWithKept = (): boolean => {
  const { exports, keep } = runBundle<Bundle>(file, "run");
  expect(exports.answer()).toMatch(/^program-A\.cjs says /);
  for (const kept of [beside, ofUser]) rmSync(kept, { recursive: true, force: true });
  keep();
  return !existsSync(beside) && !existsSync(ofUser);
};

describe("a bundle's compiled code", () => {
  afterEach(() => {
    for (const kept of [beside, ofUser]) rmSync(kept, { recursive: true, force: true });
  });

  const kept = (answer = "yes"): void => {
    writeFileSync(file, bundleOf(answer));
    const { exports, keep } = runBundle<Bundle>(file, "run");
    expect(exports.answer()).toBe(`program-A.cjs says ${answer}`);
    keep();
  };

  it("is kept beside it, and the next start begins with it", () => {
    kept();
    expect(existsSync(beside)).toBe(true);
    expect(beganWithKept()).toBe(true);
    expect(beganWithKept()).toBe(false);
  });

  it("is kept in the user's cache folder where nothing can be written beside it", () => {
    mkdirSync(beside);
    kept();
    expect(existsSync(ofUser)).toBe(true);
    expect(beganWithKept()).toBe(true);
  });

  it("is not used when it is damaged, cut off, or of another bundle", () => {
    for (const spoil of [
      (code: Buffer) => code.fill(0x55, 200, 201),
      (code: Buffer) => code.subarray(0, -1),
      () => Buffer.alloc(0),
    ]) {
      kept();
      writeFileSync(beside, spoil(readFileSync(beside)));
      expect(beganWithKept()).toBe(false);
    }
    kept();
    const code = readFileSync(beside);
    writeFileSync(join(folder, "program-B.cjs"), bundleOf("no!"));
    const other = runBundle<Bundle>(join(folder, "program-B.cjs"), "run");
    expect(other.exports.answer()).toBe("program-B.cjs says no!");
    other.keep();
    expect(readFileSync(beside).equals(code)).toBe(false);
  });

  it("is not needed: where nothing can be kept, it runs all the same", () => {
    mkdirSync(beside);
    mkdirSync(ofUser, { recursive: true });
    kept();
    expect(existsSync(join(ofUser, "x"))).toBe(false);
  });
});
