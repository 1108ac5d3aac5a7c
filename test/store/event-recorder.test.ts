import { expect, it } from "vitest";
import type { Connection } from "../../src/store/kubernetes/connection.ts";
import { EventRecorder } from "../../src/store/kubernetes/event-recorder.ts";

const simulation = (name: string) => ({
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  namespace: "inference",
  name,
});

it("keeps a thousand Events for an API server that doesn't answer; what comes beyond is dropped, and says so", async () => {
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let asked = 0;
  const connection = {
    ask: async () => {
      asked += 1;
      await answered;
    },
  } as unknown as Connection;
  const lines: Readonly<Record<string, unknown>>[] = [];
  const recorder = new EventRecorder({ connection, log: (line) => lines.push(line) });
  const told = Array.from({ length: 1002 }, (_, i) =>
    recorder.record(simulation(`s${i}`), undefined, { type: "Normal", reason: "SimulationCompleted", message: "done" }),
  );
  await Promise.all(told.slice(1000));
  expect(lines).toEqual(
    Array.from({ length: 2 }, () => ({
      level: "warning",
      message: "event not recorded",
      reason: "SimulationCompleted",
      error: "1000 wait already",
    })),
  );
  answer();
  await Promise.all(told);
  expect(asked).toBe(1000);
  expect(lines).toHaveLength(2);
});
