import { expect, it } from "vitest";
import { Reclamation } from "../../../src/dataplane/flow-control/reclamation.ts";
import { instant, NEVER } from "../../../src/sim/time.ts";

const AT = instant(1000);
const make = (mostPerDecision = 2) => new Reclamation({ graceMicros: 500, timeoutMicros: 10_000, mostPerDecision });

it("takes the lowest priority first, the newest first, and nobody who may not be shed", () => {
  const reclamation = make(9);
  [-1, -2, -1, 0, -2].forEach((priority, id) => reclamation.started(id, priority));
  expect(reclamation.victimPriority).toBe(-2);
  // Each of the five stands for 0.4.
  expect(reclamation.reclaim(2, 0.1, 4, AT)).toEqual([4, 1, 2, 0]);
  expect(reclamation.victimPriority).toBeUndefined();
});

it.each([
  { name: "as many as the excess asks for", saturation: 1.5, ceiling: 1, most: 9, ids: [9, 8, 7, 6] },
  { name: "at least one", saturation: 1, ceiling: 1, most: 9, ids: [9] },
  { name: "at most so many", saturation: 1.5, ceiling: 1, most: 2, ids: [9, 8] },
])("takes $name", ({ saturation, ceiling, most, ids }) => {
  const reclamation = make(most);
  for (let id = 0; id < 10; id += 1) reclamation.started(id, -1);
  expect(reclamation.reclaim(saturation, ceiling, 0, AT)).toEqual(ids);
  expect(reclamation.counts.target).toBeCloseTo(saturation - ceiling, 12);
});

it("takes nobody whose priority isn't below that of whoever asks", () => {
  const reclamation = make(9);
  reclamation.started(1, -3);
  reclamation.started(2, -1);
  expect(reclamation.reclaim(3, 0.1, -1, AT)).toEqual([1]);
});

it("waits for the end of each victim, and then for the signals", () => {
  const reclamation = make();
  for (let id = 0; id < 4; id += 1) reclamation.started(id, -1);
  expect(reclamation.changesAt).toBe(NEVER);
  expect(reclamation.reclaim(2, 1, 0, AT)).toEqual([3, 2]);
  expect(reclamation.counts.pending).toBeCloseTo(1, 12);
  expect(reclamation.isOpen(instant(2000))).toBe(false);
  reclamation.ended(3, instant(2000));
  reclamation.ended(2, instant(2100));
  expect(reclamation.isOpen(instant(2599))).toBe(false);
  expect(reclamation.changesAt).toBe(2600);
  expect(reclamation.isOpen(instant(2600))).toBe(true);
  expect(reclamation.counts).toMatchObject({ confirmed: 2, timedOut: 0, pending: 0 });
  expect(reclamation.counts.issued).toEqual(new Map([[0, 2]]));
});

it("takes an end for granted after a while", () => {
  const reclamation = make(1);
  reclamation.started(1, -1);
  reclamation.started(2, -1);
  expect(reclamation.reclaim(2, 1, 0, AT)).toEqual([2]);
  expect(reclamation.changesAt).toBe(11_000);
  expect(reclamation.isOpen(instant(10_999))).toBe(false);
  expect(reclamation.isOpen(instant(11_000))).toBe(false);
  expect(reclamation.isOpen(instant(11_500))).toBe(true);
  expect(reclamation.counts.timedOut).toBe(1);
  reclamation.ended(2, instant(12_000));
  expect(reclamation.counts.confirmed).toBe(0);
});

it("can do nothing where nothing runs, or nothing weighs", () => {
  expect(make().reclaim(2, 1, 0, AT)).toEqual([]);
  const idle = make();
  idle.started(1, -1);
  expect(idle.reclaim(0, 0, 0, AT)).toEqual([]);
});
