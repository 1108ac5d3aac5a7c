import { describe, expect, it } from "vitest";
import type { ScaleView } from "../../../src/controlplane/autoscaler.ts";
import { engineUsage } from "../../../src/controlplane/metrics-server/engine-usage.ts";
import { type ContainerUsage, MetricsServer } from "../../../src/controlplane/metrics-server/metrics-server.ts";
import { instant } from "../../../src/sim/time.ts";

const at = (seconds: number) => instant(seconds * 1e6);

/** One pod whose process keeps `cores` busy from its start, read at these times. */
class Kubelet {
  readonly server = new MetricsServer(["chat"], (pod) => this.usage(pod));
  cores = 1.5;
  startedSeconds = 0;
  running = true;
  now = 0;

  usage(_pod: string): ContainerUsage | undefined {
    const cpuMicros = (this.now - this.startedSeconds) * this.cores * 1e6;
    return { container: "vllm", cpuMicros, memoryBytes: 2 ** 33 };
  }

  read(...seconds: readonly number[]): void {
    for (const second of seconds) {
      this.now = second;
      this.server.run({ now: at(second), scale: () => this.#scale() });
    }
  }

  value(resource = "cpu", container?: string) {
    return this.server.resourceOf(["chat-0", "chat-1"])(resource, container)?.get("chat-0");
  }

  #scale(): ScaleView {
    const pod = { ready: true, readyChangedAt: at(0), deleting: false, startedAt: at(this.startedSeconds) };
    const phase = this.running ? ("Running" as const) : ("Pending" as const);
    return { specReplicas: 1, statusReplicas: 1, pods: [{ name: "chat-0", phase, ...pod }] };
  }
}

describe("metrics-server", () => {
  it("knows a pod from its second reading on, and uses what lies between the two", () => {
    const kubelet = new Kubelet();
    kubelet.read(20);
    expect(kubelet.value()).toBeUndefined();
    kubelet.read(35);
    expect(kubelet.value()).toEqual({ valueMilli: 1500n, at: 35e6, windowSeconds: 15 });
    expect(kubelet.value("memory")).toMatchObject({ valueMilli: BigInt(2 ** 33) * 1000n });
  });

  // pkg/storage/pod_test.go: "fresh" containers.
  it.each([
    { name: "8 s old: too young", age: 8, value: undefined },
    { name: "10 s old: its start is the first", age: 10, value: { valueMilli: 1500n, at: 110e6, windowSeconds: 10 } },
    { name: "14 s old", age: 14, value: { valueMilli: 1500n, at: 114e6, windowSeconds: 14 } },
    { name: "15 s old: as any other", age: 15, value: undefined },
  ])("at the first reading $name", ({ age, value }) => {
    const kubelet = new Kubelet();
    kubelet.startedSeconds = 100;
    kubelet.read(100 + age);
    expect(kubelet.value()).toEqual(value);
  });

  it("forgets what was before a restart, and a pod that is not read", () => {
    const kubelet = new Kubelet();
    kubelet.read(20, 35, 50);
    kubelet.startedSeconds = 60;
    kubelet.read(65);
    expect(kubelet.value()).toBeUndefined();
    kubelet.read(80);
    expect(kubelet.value()).toMatchObject({ windowSeconds: 15 });
    kubelet.running = false;
    kubelet.read(95);
    expect(kubelet.value()).toBeUndefined();
  });

  it("names the container, and no resource but CPU and memory", () => {
    const kubelet = new Kubelet();
    kubelet.read(20, 35);
    expect(kubelet.value("cpu", "vllm")).toMatchObject({ valueMilli: 1500n });
    expect(kubelet.value("cpu", "proxy")).toBeUndefined();
    expect(kubelet.value("nvidia.com/gpu")).toBeUndefined();
  });

  it("rounds up to thousandths, and takes no CPU time that runs back", () => {
    const kubelet = new Kubelet();
    kubelet.cores = 1 / 3;
    kubelet.read(20, 35);
    expect(kubelet.value()).toMatchObject({ valueMilli: 334n });
    kubelet.cores = 0.1;
    kubelet.read(50);
    expect(kubelet.value()).toBeUndefined();
  });

  it("reads every 15 s, at a phase of its own", () => {
    const { server } = new Kubelet();
    expect(server.firstAfter).toBeLessThan(15e6);
    expect(server.run({ now: at(1), scale: () => ({ specReplicas: 0, statusReplicas: 0, pods: [] }) })).toEqual({
      scales: [],
      againAfter: 15e6,
    });
  });
});

describe("the usage of an engine", () => {
  it("is a core per rank while a step is under way, and constant memory", () => {
    const work = { container: "vllm", busyMicros: 3e6, ranks: 4, hostCacheBytes: 2 ** 34 };
    expect(engineUsage(work)).toEqual({ container: "vllm", cpuMicros: 12e6, memoryBytes: 32 * 2 ** 30 + 2 ** 34 });
    expect(engineUsage({ ...work, busyMicros: 0 })).toMatchObject({ cpuMicros: 0 });
  });
});
