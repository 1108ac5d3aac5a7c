import { describe, expect, it } from "vitest";
import { ImagePulls } from "../../../src/controlplane/nodes/index.ts";
import { NEVER, seconds } from "../../../src/sim/time.ts";
import { at } from "./fixtures.ts";

const pull = (pod: string, image = "vllm", length = 40) => ({ pod, image, length: seconds(length) });

describe("the images of a node", () => {
  it("are fetched once: the second pod finds it", () => {
    const pulls = new ImagePulls();
    expect(pulls.ask(pull("a"), at(10))).toBe(false);
    expect(pulls.due).toBe(at(50));
    expect(pulls.advance(at(50))).toEqual(["a"]);
    expect(pulls.ask(pull("b"), at(60))).toBe(true);
    expect(pulls.due).toBe(NEVER);
  });

  it("are fetched one at a time", () => {
    const pulls = new ImagePulls();
    pulls.ask(pull("a", "vllm", 40), at(0));
    pulls.ask(pull("b", "sglang", 30), at(1));
    expect(pulls.advance(at(40))).toEqual(["a"]);
    expect(pulls.due).toBe(at(70));
    expect(pulls.advance(at(70))).toEqual(["b"]);
  });

  it("serve all that waited for the same one", () => {
    const pulls = new ImagePulls();
    pulls.ask(pull("a"), at(0));
    pulls.ask(pull("b"), at(5));
    pulls.ask(pull("c", "sglang"), at(6));
    pulls.drop("b");
    pulls.ask(pull("d"), at(7));
    expect(pulls.advance(at(40))).toEqual(["a", "d"]);
    expect(pulls.due).toBe(at(80));
  });

  it("are there where they were before", () => {
    expect(new ImagePulls(["vllm"]).ask(pull("a"), at(0))).toBe(true);
  });
});
