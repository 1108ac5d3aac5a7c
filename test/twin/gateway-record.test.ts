import { expect, it } from "vitest";
import { frontGateSchema } from "../../src/dataplane/front-gate/index.ts";
import type { Fact } from "../../src/model/fact.ts";
import { micros } from "../../src/sim/time.ts";
import { GatewayRecord } from "../../src/twin/gateway-record.ts";
import { DEFAULT_SCHEDULING } from "../dataplane/default-scheduling.ts";
import { at, request } from "../report/views.ts";

it("shows the series of flows that flow control knows, and no others", () => {
  const record = new GatewayRecord(
    {
      kind: "epp",
      namespace: "inference",
      pool: "chat",
      scheduling: DEFAULT_SCHEDULING,
      gate: frontGateSchema.parse({}),
      scrapeIntervalMicros: 50_000,
      stalenessMicros: 2e6,
      kvTransfer: { gigabytesPerSecond: 25, latencyMicros: 50, contention: true, failureRatio: 0 },
    },
    "llama",
  );
  for (const [id, tenant] of ["acme", "gone"].entries()) {
    const gate = { kind: "gate", at: at(id), request: { ...request(id, id), tenant }, priority: 0 } as const;
    const facts: readonly Fact[] = [
      { ...gate, event: "held", bytes: 4 },
      { ...gate, event: "dispatched", waited: micros(1) },
    ];
    for (const fact of facts) record.hear(fact);
  }
  const flows = [{ fairnessId: "acme", priority: 0 }];
  const { counted, flowControl } = record.view(
    [],
    {
      saturation: { prefill: undefined, decode: undefined, effective: 1 },
      flows,
      bands: [],
      all: {},
    },
    undefined,
  );
  expect(counted.queues.map(({ fairnessId }) => fairnessId)).toEqual(["acme"]);
  expect(counted.queued.map(({ labels }) => labels.fairnessId)).toEqual(["acme"]);
  expect(counted.outcomes).toEqual([{ outcome: "Dispatched", priority: 0, count: 2 }]);
  expect(flowControl).toEqual({ saturation: { effective: 1 }, bands: [], all: {} });
});
