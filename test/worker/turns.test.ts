import { describe, expect, it } from "vitest";
import { FairLine } from "../../src/worker/fair-line.ts";
import { Turns } from "../../src/worker/turns.ts";

describe("FairLine", () => {
  const inLine = (...keys: readonly string[]): FairLine<string> => {
    const line = new FairLine<string>();
    for (const key of keys) line.add(key.slice(0, 1), key);
    return line;
  };
  const takeAll = (line: FairLine<string>): string[] => {
    const taken: string[] = [];
    for (let key = line.take(); key !== undefined; key = line.take()) taken.push(key);
    return taken;
  };

  it("gives groups their turns, and within one the first first", () => {
    expect(takeAll(inLine("a1", "a2", "a3", "b1", "c1", "b2"))).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
  });

  it("keeps a newcomer waiting for one round at most, however long the others' lines are", () => {
    const line = inLine(...Array.from({ length: 500 }, (_, i) => `a${i}`), "b1");
    line.take();
    line.add("c", "c1");
    expect([line.take(), line.take()]).toEqual(["b1", "a1"]);
    expect(line.take()).toBe("c1");
  });

  it("knows how many stand in it, whatever was added twice or taken out", () => {
    const line = inLine("a1", "a1", "b1");
    line.delete("a", "a1");
    line.delete("a", "a1");
    line.delete("x", "x1");
    expect(line.size).toBe(1);
    expect(takeAll(line)).toEqual(["b1"]);
    expect(line.size).toBe(0);
  });

  it("passes over those that must wait, who keep their place", () => {
    const line = inLine("a1", "b1", "b2");
    expect(line.take((group) => group !== "a")).toBe("b1");
    expect(line.take((group) => group === "x")).toBeUndefined();
    expect(takeAll(line)).toEqual(["a1", "b2"]);
  });
});

describe("Turns", () => {
  const never = new AbortController().signal;

  it("lets the patient in after everybody else, and before those whose group has its share", async () => {
    const turns = new Turns(1, 1);
    const entered: string[] = [];
    const take = async (name: string, isPatient: boolean) => {
      const end = await turns.take(name.slice(0, 1), never, isPatient);
      entered.push(name);
      end();
    };
    const end = await turns.take("x", never);
    const all = [take("a1", true), take("a2", false), take("b1", true), take("a3", false)];
    const left = new AbortController();
    const gone = turns.take("b", left.signal, true);
    left.abort(new Error("gone"));
    await expect(gone).rejects.toThrow("gone");
    expect(turns.waiting).toBe(4);
    end();
    await Promise.all(all);
    expect(entered).toEqual(["a2", "a3", "a1", "b1"]);
  });

  it("lets in so many, and of one group no more than its share", async () => {
    const turns = new Turns(3, 2);
    const entered: string[] = [];
    const take = async (group: string, name: string) => {
      const end = await turns.take(group, never);
      entered.push(name);
      return end;
    };
    const all = [take("a", "a1"), take("a", "a2"), take("a", "a3"), take("b", "b1"), take("b", "b2")];
    await Promise.all([all[0], all[1], all[3]]);
    expect(entered).toEqual(["a1", "a2", "b1"]);
    expect(turns.waiting).toBe(2);
    (await all[3])?.();
    await all[4];
    expect(entered).toEqual(["a1", "a2", "b1", "b2"]);
    const end = await all[0];
    end?.();
    end?.();
    await all[2];
    expect(turns.waiting).toBe(0);
  });

  it("lets go of who doesn't want to wait any more", async () => {
    const turns = new Turns(1);
    const end = await turns.take("a", never);
    const abort = new AbortController();
    const waiting = turns.take("a", abort.signal);
    abort.abort(new Error("no more"));
    await expect(waiting).rejects.toThrow("no more");
    await expect(turns.take("a", abort.signal)).rejects.toThrow("no more");
    end();
    (await turns.take("b", never))();
    expect(turns.waiting).toBe(0);
  });
});
