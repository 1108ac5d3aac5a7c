import { afterEach, describe, expect, it, vi } from "vitest";
import { Operator } from "../../src/operator/operator.ts";
import { NO_QUOTA } from "../../src/operator/quota.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { Listeners } from "../../src/store/listeners.ts";
import type { ObjectRef, Store, StoredObject } from "../../src/store/store.ts";
import type { PreviewPool } from "../../src/worker/pool.ts";

/* Whoever takes the lead has every simulation to look at; what somebody changes meanwhile doesn't wait for them. */

const refOf = (name: string): ObjectRef => ({
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  namespace: "a",
  name,
});
const names = Array.from({ length: 40 }, (_, i) => `s${String(i).padStart(2, "0")}`);
const stored = (name: string, generation = 1): StoredObject => ({
  object: { ...refOf(name), metadata: { namespace: "a", name, generation }, spec: {} },
});

class Hand {
  readonly changes = new Listeners<ObjectRef>();
  readonly objects = new Map(names.map((name) => [name, stored(name)]));
  /** Called when simulations are next listed. */
  onList: (() => void) | undefined;

  get store(): Store {
    const list = (kind: string): readonly StoredObject[] => {
      if (kind !== "InferenceSimulation") return [];
      const then = this.onList;
      this.onList = undefined;
      const all = [...this.objects.values()];
      then?.();
      return all;
    };
    const get = ({ name }: ObjectRef) => this.objects.get(name);
    const onChange = (listener: (ref: ObjectRef) => void) => this.changes.add(listener);
    return { list, get, onChange } as unknown as Store;
  }

  change(name: string): void {
    this.objects.set(name, stored(name, 2));
    this.changes.tell(refOf(name));
  }
}

const open: Operator[] = [];
afterEach(async () => {
  for (const operator of open.splice(0)) await operator.close();
});

/** An operator that only notes whom it looks at; each look takes a turn of the thread. */
const operatorOf = (store: Store, concurrency = 1): { operator: Operator; looked: string[] } => {
  const operator = new Operator({
    store,
    pool: { close: () => Promise.resolve() } as unknown as PreviewPool,
    threads: new URL("../../dist/", import.meta.url),
    limits: DEFAULT_LIMITS,
    quota: NO_QUOTA,
    allowedUrls: [],
    mirrorNamespaces: [],
    concurrency,
    sweepRuns: 1,
    shadowBounds: { maxMebibytes: 64 },
    log: () => undefined,
  });
  open.push(operator);
  const looked: string[] = [];
  vi.spyOn(operator.reconciler, "reconcile").mockImplementation(async ({ name }) => {
    looked.push(name);
    return { kind: "settled" };
  });
  return { operator, looked };
};
const allOf = (looked: readonly string[]) => vi.waitFor(() => expect(new Set(looked).size).toBe(names.length));

describe("whoever takes the lead", () => {
  it("looks at every simulation once", async () => {
    const { operator, looked } = operatorOf(new Hand().store, 4);
    operator.lead();
    await allOf(looked);
    expect([...looked].sort()).toEqual(names);
  });

  it("looks at what is changed just then before the rest", async () => {
    const hand = new Hand();
    const { operator, looked } = operatorOf(hand.store);
    operator.lead();
    hand.change("s31");
    hand.change("s17");
    await allOf(looked);
    expect(looked.slice(0, 3).filter((name) => ["s31", "s17"].includes(name))).toEqual(["s31", "s17"]);
    expect(looked).toHaveLength(names.length);
  });

  it("reads the rest in their order, whatever else changes meanwhile", async () => {
    const hand = new Hand();
    const { operator, looked } = operatorOf(hand.store);
    operator.lead();
    hand.changes.tell({ apiVersion: "apps/v1", kind: "Deployment", namespace: "a", name: "somebody" });
    hand.change("s20");
    await allOf(looked);
    expect(looked.indexOf("s20")).toBeLessThanOrEqual(1);
    const rest = looked.filter((name) => name !== "s20");
    expect(rest).toEqual([...rest].sort());
  });

  it("hears of what is changed while it still counts them", async () => {
    const hand = new Hand();
    const { operator, looked } = operatorOf(hand.store);
    // What comes between its list and its watch would be lost until the resync.
    hand.onList = () => hand.change("s39");
    operator.lead();
    await allOf(looked);
    expect(looked.slice(0, 2)).toContain("s39");
  });

  it("looks again at one that changes while it is looked at", async () => {
    const hand = new Hand();
    const { operator, looked } = operatorOf(hand.store);
    vi.mocked(operator.reconciler.reconcile).mockImplementationOnce(async ({ name }) => {
      looked.push(name);
      hand.change(name);
      return { kind: "settled" };
    });
    operator.lead();
    await allOf(looked);
    expect(looked.filter((name) => name === looked[0])).toHaveLength(2);
    expect(looked.indexOf(looked[0] as string, 1)).toBeLessThanOrEqual(2);
  });

  it("looks at nobody before, nor when it has given it up", async () => {
    const hand = new Hand();
    const { operator, looked } = operatorOf(hand.store);
    hand.change("s05");
    expect(looked).toEqual([]);
    operator.lead();
    await vi.waitFor(() => expect(looked.length).toBeGreaterThan(0));
    operator.rest();
    const before = looked.length;
    hand.change("s06");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(looked.length).toBeLessThanOrEqual(before + 1);
    expect(operator.leading).toBe(false);
  });
});
