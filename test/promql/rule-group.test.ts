import { describe, expect, it } from "vitest";
import { Labels, RuleGroup, type RuleGroupSpec, type RuleSpec, Store } from "../../src/promql/index.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

const groupOf = (rules: readonly RuleSpec[], more: Partial<RuleGroupSpec> = {}): RuleGroupSpec => ({
  name: "g",
  file: "f",
  intervalMs: MINUTE,
  queryOffsetMs: 0,
  limit: 0,
  rules,
  ...more,
});

const record = (name: string, expr: string, labels: Record<string, string> = {}): RuleSpec => ({
  record: name,
  expr,
  labels,
});

const alert = (expr: string, more: Partial<RuleSpec> = {}): RuleSpec =>
  ({ alert: "Full", expr, forMs: 0, keepFiringForMs: 0, labels: {}, ...more }) as RuleSpec;

/** A store that is told one value per minute, and a group that is evaluated right after. */
class Setup {
  readonly store = new Store({ retentionMs: 60 * MINUTE });
  readonly group: RuleGroup;

  constructor(spec: RuleGroupSpec) {
    this.group = new RuleGroup(spec, this.store);
  }

  tell(minute: number, samples: Readonly<Record<string, number>>): void {
    for (const [pod, value] of Object.entries(samples))
      this.store.append(this.store.series(Labels.of({ __name__: "queue", pod })), minute * MINUTE, value);
  }

  evaluate(minute: number): readonly string[] {
    return this.group.evaluate(minute * MINUTE).map(({ index, message }) => `${index}: ${message}`);
  }

  /** `series value` of what is there at a minute: of one metric, sorted. */
  at(minute: number, name: string): readonly string[] {
    return this.store
      .select([{ name: "__name__", operator: "=", value: name, matches: (text) => text === name }])
      .flatMap((series) => {
        const last = series.after(minute * MINUTE) - 1;
        if (last < 0 || series.isStale(last)) return [];
        return [`${series.labels} ${series.values[last]}@${(series.times[last] as number) / MINUTE}`];
      })
      .sort();
  }
}

describe("recording rules", () => {
  it("give the result another name and labels, and see those before them", () => {
    const setup = new Setup(
      groupOf([
        record("queue:sum", "sum by (pod) (queue)", { team: "serving", pod: "" }),
        record("queue:twice", "2 * queue:sum"),
      ]),
    );
    setup.tell(1, { a: 3 });
    expect(setup.evaluate(1)).toEqual([]);
    expect(setup.at(1, "queue:sum")).toEqual(['queue:sum{team="serving"} 3@1']);
    expect(setup.at(1, "queue:twice")).toEqual(['queue:twice{team="serving"} 6@1']);
  });

  it("take a scalar as one sample without labels, and nothing else but vectors", () => {
    const setup = new Setup(groupOf([record("now", "time()"), record("bad", "queue[5m]"), record("text", '"a"')]));
    const failures = setup.evaluate(2);
    expect(failures).toEqual(["1: rule result is not a vector or scalar", "2: rule result is not a vector or scalar"]);
    expect(setup.at(2, "now")).toEqual(["now 120@2"]);
  });

  it("end a series that is not given any more", () => {
    const setup = new Setup(groupOf([record("busy", "queue > 2")]));
    setup.tell(1, { a: 3, b: 5 });
    setup.evaluate(1);
    setup.tell(2, { a: 1, b: 6 });
    setup.evaluate(2);
    expect(setup.at(1, "busy")).toEqual(['busy{pod="a"} 3@1', 'busy{pod="b"} 5@1']);
    expect(setup.at(2, "busy")).toEqual(['busy{pod="b"} 6@2']);
    setup.tell(3, { a: 4, b: 6 });
    setup.evaluate(3);
    expect(setup.at(3, "busy")).toEqual(['busy{pod="a"} 4@3', 'busy{pod="b"} 6@3']);
  });

  it("that fail leave what they gave before, and hold up no other", () => {
    const setup = new Setup(groupOf([record("twice", "queue * on () group_left queue"), record("fine", "queue")]));
    setup.tell(1, { a: 2 });
    expect(setup.evaluate(1)).toEqual([]);
    setup.tell(2, { a: 2, b: 3 });
    expect(setup.evaluate(2)).toHaveLength(1);
    expect(setup.at(2, "twice")).toEqual(['twice{pod="a"} 4@1']);
    expect(setup.at(2, "fine")).toEqual(['fine{pod="a"} 2@2', 'fine{pod="b"} 3@2']);
  });

  it("are refused doubles, and more than the limit", () => {
    const setup = new Setup(groupOf([record("same", "queue", { pod: "x" }), record("many", "queue")], { limit: 1 }));
    setup.tell(1, { a: 1, b: 2 });
    expect(setup.evaluate(1)).toEqual([
      "0: vector contains metrics with the same labelset after applying rule labels",
      "1: exceeded limit of 1 with 2 series",
    ]);
    expect(setup.at(1, "many")).toEqual([]);
  });

  it("look back by the query offset, and write there", () => {
    const setup = new Setup(groupOf([record("late", "queue")], { queryOffsetMs: MINUTE }));
    setup.tell(1, { a: 1 });
    setup.tell(2, { a: 2 });
    setup.evaluate(2);
    expect(setup.at(2, "late")).toEqual(['late{pod="a"} 1@1']);
  });

  it("give a series that another gives too once per instant, and end it only when both have", () => {
    const setup = new Setup(groupOf([record("one", 'queue{pod="a"} > 2'), record("one", 'queue{pod="a"}')]));
    setup.tell(1, { a: 3 });
    expect(setup.evaluate(1)).toEqual([]);
    setup.tell(2, { a: 1 });
    setup.evaluate(2);
    // As there: the first rule ends it, and the value of the second comes too late for that instant.
    expect(setup.at(2, "one")).toEqual([]);
    setup.tell(3, { a: 1 });
    setup.evaluate(3);
    expect(setup.at(3, "one")).toEqual(['one{pod="a"} 1@3']);
  });
});

describe("alerting rules", () => {
  const state = (setup: Setup, minute: number) =>
    setup.at(minute, "ALERTS").map((text) => /alertstate="(\w+)"/.exec(text)?.[1]);

  it("are pending, fire after a while, and end", () => {
    const setup = new Setup(groupOf([alert("queue > 2", { forMs: 2 * MINUTE })]));
    const values = [3, 3, 3, 3, 1];
    const states = values.map((value, i) => {
      setup.tell(i + 1, { a: value });
      setup.evaluate(i + 1);
      return state(setup, i + 1);
    });
    expect(states).toEqual([["pending"], ["pending"], ["firing"], ["firing"], []]);
    expect(setup.at(4, "ALERTS_FOR_STATE")).toEqual(['ALERTS_FOR_STATE{alertname="Full", pod="a"} 60@4']);
    expect(setup.at(5, "ALERTS_FOR_STATE")).toEqual([]);
  });

  it("forget a pending alert at once, and keep a firing one for a while", () => {
    const spec = alert("queue > 2", { forMs: MINUTE, keepFiringForMs: 2 * MINUTE });
    const setup = new Setup(groupOf([spec]));
    const values = [3, 1, 3, 3, 1, 1, 1, 3];
    const states = values.map((value, i) => {
      setup.tell(i + 1, { a: value });
      setup.evaluate(i + 1);
      return state(setup, i + 1).join();
    });
    expect(states).toEqual(["pending", "", "pending", "firing", "firing", "firing", "", "pending"]);
  });

  it("have the labels of the rule, with those of the sample filled in", () => {
    const labels = { severity: "page", of: "{{ $labels.pod }}-{{ .Labels.none }}", pod: "" };
    const setup = new Setup(groupOf([alert("queue > 2", { labels })]));
    setup.tell(1, { a: 3 });
    setup.evaluate(1);
    expect(setup.at(1, "ALERTS")).toEqual([
      'ALERTS{alertname="Full", alertstate="firing", of="a-", severity="page"} 1@1',
    ]);
  });

  it("are refused doubles, and all forgotten beyond the limit", () => {
    const same = new Setup(groupOf([alert("queue", { labels: { pod: "x" } })]));
    same.tell(1, { a: 1, b: 1 });
    expect(same.evaluate(1)).toEqual(["0: vector contains metrics with the same labelset after applying alert labels"]);
    const many = new Setup(groupOf([alert("queue > 0", { forMs: MINUTE })], { limit: 1 }));
    many.tell(1, { a: 1 });
    many.evaluate(1);
    many.tell(2, { a: 1, b: 1 });
    expect(many.evaluate(2)).toEqual(["0: exceeded limit of 1 with 2 alerts"]);
    many.tell(3, { a: 1, b: 0 });
    many.evaluate(3);
    expect(state(many, 3)).toEqual(["pending"]);
  });
});

describe("a group", () => {
  it("is evaluated once per interval, at a moment of its own", () =>
    forAllSeeds(50, (rng) => {
      const intervalMs = 1 + rng.below(100_000);
      const spec = groupOf([], { name: `g${rng.below(1e6)}`, file: "rules.yml", intervalMs });
      const group = new RuleGroup(spec, new Store({ retentionMs: 1 }));
      const nowMs = rng.below(2e9);
      const first = group.next(nowMs);
      expect(first).toBeGreaterThan(nowMs);
      expect(first - nowMs).toBeLessThanOrEqual(intervalMs);
      expect(group.next(first)).toBe(first + intervalMs);
      expect(group.next(first - 1)).toBe(first);
    }));

  it("has another moment than others", () => {
    const phases = Array.from({ length: 20 }, (_, i) =>
      new RuleGroup(groupOf([], { name: `g${i}` }), new Store({ retentionMs: 1 })).next(0),
    );
    expect(new Set(phases).size).toBeGreaterThan(18);
  });

  it("is not made of an expression that can't be read", () =>
    expect(() => new RuleGroup(groupOf([record("x", "sum(")]), new Store({ retentionMs: 1 }))).toThrow(
      "1:5: parse error",
    ));
});
