import { describe, expect, it } from "vitest";
import { findTrace } from "../../src/operator/trace-source.ts";
import type { Store } from "../../src/store/store.ts";

const keys: Readonly<Record<string, string>> = {
  "run.yaml": "trace_version: 3\nmode: real\n",
  "run.csv": "arrival_time_us,input_tokens,output_tokens\n0,1,1\n",
  "alone.csv": "",
};
const store = {
  configMapKey: (_namespace: string, name: string, key: string) =>
    Promise.resolve(name === "traces" && key in keys ? new TextEncoder().encode(keys[key]) : undefined),
} as unknown as Store;
const rules = { allowedUrls: [], maxTraceBytes: 1e6 };
const find = (key: string, name = "traces") =>
  findTrace(
    { format: "blis-v2", configMap: { name, key }, rateScale: 1, startOffset: "0s", onError: "Fail" },
    "default",
    store,
    rules,
  );

describe("a BLIS trace in a ConfigMap", () => {
  it.each(["run.yaml", "run.csv"])("is two keys, found by %s", async (key) => {
    expect(await find(key)).toMatchObject({
      ok: true,
      value: {
        input: { kind: "inline", base64: Buffer.from(keys["run.csv"] ?? "").toString("base64") },
        header: { said: { trace_version: 3, mode: "real" }, file: "run.yaml" },
      },
    });
  });

  it.each([
    ["alone.csv", "traces", "alone.csv has no header beside it"],
    ["run.csv", "others", "ConfigMap default/others has no key run.csv"],
  ])("%s of %s is refused", async (key, name, says) => {
    const found = await find(key, name);
    if (found.ok) throw new Error("was found");
    expect(found.problems).toMatchObject([{ reason: "TraceNotFound", field: "spec.workload.trace.configMap" }]);
    expect(found.problems[0]?.message).toContain(says);
  });
});
