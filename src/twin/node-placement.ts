import type { PodView } from "../controlplane/autoscaler.ts";
import {
  GpuScheduler,
  Node,
  type NodeAutoscaler,
  Nodes,
  nodeAutoscalers,
  nodeScorings,
  type PlacedPod,
} from "../controlplane/nodes/index.ts";
import {
  type BudgetedPods,
  disruptionsAllowed,
  drawSpread,
  drawStart,
  evictionAllowed,
  firstProbe,
  restartDelay,
} from "../controlplane/pods/index.ts";
import type { NodeView, PodStatusView } from "../report/world-view.ts";
import { invariant } from "../sim/invariant.ts";
import { hash32, type Rng } from "../sim/rng.ts";
import { after, elapsed, instant, NEVER, type SimTime, START } from "../sim/time.ts";
import { ColdStarts } from "./cold-starts.ts";
import type { PlacementEvent } from "./event.ts";
import { nodeView, podView } from "./node-views.ts";
import type {
  BudgetScenario,
  DisruptionScenario,
  NodePoolScenario,
  NodesScenario,
  PodsOnNodes,
} from "./nodes-scenario.ts";
import type { PlacedReplica, PlacedUnit } from "./placed-unit.ts";
import type { PlacementHost } from "./placement-host.ts";
import type { Pod } from "./pod.ts";

/**
 * Where pods run: nodes, who places pods on them, who asks for more nodes, and what happens to nodes and to what is on
 * them. The world tells it of pods that come and go; it tells the world what becomes of them.
 */
export class NodePlacement {
  readonly #scenario: NodesScenario;
  readonly #host: PlacementHost;
  readonly #nodes: Nodes;
  readonly #scheduler: GpuScheduler;
  readonly #autoscaler: NodeAutoscaler;
  readonly #starts: ColdStarts;
  readonly #chance: Rng;
  readonly #replicas = new Map<string, PlacedReplica>();
  readonly #units = new Map<string, PlacedUnit>();
  /** When the autoscaler of nodes comes, as far as the agenda knows. */
  #looksAt: SimTime = NEVER;
  readonly #made = new Map<string, number>();
  /** Pods that the scheduler's last pass pushes out, and for whom. */
  #preempted: { readonly pod: PlacedPod; readonly by: PlacedPod }[] = [];
  #attempts = 0;

  constructor(scenario: NodesScenario, host: PlacementHost) {
    this.#scenario = scenario;
    this.#host = host;
    this.#nodes = new Nodes(scenario.pools);
    const scoring = nodeScorings.create(scenario.scoring, undefined);
    this.#scheduler = new GpuScheduler(this.#nodes, scoring, host.streams.stream("nodes/scheduler"), {
      leaving: ({ name }) => this.#units.get(name)?.replica.pod.phase === "terminating",
      budgetOf: ({ name }) => this.#budgetOf(name),
      preempt: (by, victims) => this.#preempted.push(...victims.map((pod) => ({ pod, by }))),
    });
    this.#autoscaler = nodeAutoscalers.create(scenario.autoscaler, { rng: host.streams.stream("nodes/autoscaler") });
    this.#chance = host.streams.stream("nodes/disruptions");
    this.#starts = new ColdStarts(host, (name) => this.#units.get(name), {
      started: (unit) => this.#started(unit),
      loaded: ({ replica }) => this.#loaded(replica),
    });
    for (const pool of scenario.pools) {
      for (let i = 0; i < pool.nodes; i += 1) this.#join(this.#newNode(pool));
    }
    for (const [index, { atMicros }] of scenario.disruptions.entries()) {
      host.later(instant(atMicros), { kind: "disruption", index });
    }
    this.#replanAutoscaler();
  }

  /** A pod that is there from the start. @returns whether it has room: then it runs, else it waits for its nodes */
  place(pod: Pod): boolean {
    const replica = this.#enlist(pod);
    for (const unit of replica.units) this.#scheduler.add(unit.pod);
    for (const { pod: placed, node } of this.#scheduler.schedule(this.#host.now)) this.#bind(placed.name, node);
    const runs = replica.units.every(({ node }) => node !== undefined);
    for (const unit of replica.units) {
      if (runs) this.#starts.keep(unit);
      else if (unit.node !== undefined) this.#starts.begin(unit);
    }
    if (!runs) this.#changed();
    return runs;
  }

  /** A pod that has just been created. */
  start(pod: Pod): void {
    const { units } = this.#enlist(pod);
    this.#submit(pod.workload.group?.workersAfterLeader === true ? units.slice(0, 1) : units);
  }

  #submit(units: readonly PlacedUnit[]): void {
    for (const { name, lengths, replica } of units) {
      const at = after(this.#host.now, lengths.schedule);
      this.#host.later(at, { kind: "queued", unit: name, attempt: replica.attempt });
    }
  }

  /** A pod that is gone: its GPUs are free. */
  release(pod: Pod): void {
    const replica = this.#replicas.get(pod.name);
    if (replica === undefined) return;
    this.#replicas.delete(pod.name);
    for (const unit of replica.units) {
      this.#starts.stop(unit);
      this.#scheduler.drop(unit.name);
      this.#units.delete(unit.name);
      const { node } = unit;
      if (node === undefined) continue;
      node.release(unit.name, this.#host.now);
      this.#tellBinding(unit, node, { event: "released" });
      if (node.phase === "draining" && node.empty) this.#remove(node);
    }
    this.#changed();
  }

  /** A pod became ready: others may be evicted now. */
  becameReady(): void {
    this.#evictAll();
  }

  due(event: PlacementEvent): void {
    switch (event.kind) {
      case "queued":
        return this.#queue(this.#unitOf(event));
      case "sandboxed": {
        const unit = this.#unitOf(event);
        return unit === undefined ? undefined : this.#starts.sandboxed(unit);
      }
      case "pull-due":
        return this.#starts.pullDue(event.node);
      case "load-due":
        return this.#starts.loadDue(event.storage, event.generation);
      case "probed":
        return this.#probed(event.pod, event.attempt);
      case "restarted":
        return this.#restarted(event.pod, event.attempt);
      case "node-joined":
        return this.#joined(event.node);
      case "node-lost":
        return this.#lost(event.node);
      case "disruption":
        return this.#disrupt(this.#scenario.disruptions[event.index] as DisruptionScenario);
      default:
        return event satisfies never;
    }
  }

  /** The autoscaler of nodes comes, unless it is due at another time by now. */
  look(): void {
    const { now } = this.#host;
    if (this.#looksAt !== now) return;
    this.#looksAt = NEVER;
    const { add, remove } = this.#autoscaler.look(now, this.#nodes, this.#scheduler.unplaced);
    for (const { pool, count } of add) {
      for (let i = 0; i < count; i += 1) this.#ask(pool as NodePoolScenario);
    }
    for (const node of remove) this.#drain(node);
    this.#replanAutoscaler();
  }

  nodeViews(): readonly NodeView[] {
    return [...this.#nodes.all].filter(({ phase }) => phase !== "provisioning").map(nodeView);
  }

  podViews(): readonly PodStatusView[] {
    const waiting = new Set(this.#scheduler.waiting.map(({ name }) => name));
    return [...this.#units.values()].map((unit) => podView(unit, waiting.has(unit.name)));
  }

  /** What a ReplicaSet asks of a pod when it scales in: of a group, of its leader. */
  scaleInView(pod: Pod): PodView {
    return { ...pod.view(), node: this.#replicas.get(pod.name)?.units[0]?.node?.name };
  }

  // ---- pods

  /** undefined: it is gone, and so may another of its name be. */
  #unitOf({ unit: name, attempt }: { readonly unit: string; readonly attempt: number }): PlacedUnit | undefined {
    const unit = this.#units.get(name);
    return unit?.replica.attempt === attempt ? unit : undefined;
  }

  #nextAttempt(): number {
    this.#attempts += 1;
    return this.#attempts;
  }

  #saidOf(workload: string): PodsOnNodes {
    const said = this.#scenario.pods[workload];
    invariant(said !== undefined, `what pods of ${workload} ask of nodes`);
    return said;
  }

  #enlist(pod: Pod): PlacedReplica {
    const { now, streams } = this.#host;
    const said = this.#saidOf(pod.workload.name);
    const units: PlacedUnit[] = [];
    const replica: PlacedReplica = {
      pod,
      said,
      units,
      attempt: this.#nextAttempt(),
      restarts: 0,
      crashes: 0,
      backingOff: false,
    };
    for (let i = 0; i < said.members; i += 1) {
      // A group's pods are named as LeaderWorkerSet names them: the leader, then leader-1, leader-2, …
      const name = i === 0 ? pod.name : `${pod.name}-${i}`;
      const placement = i === 0 ? said.placement : (said.workers ?? said.placement);
      const mayEvict = (): boolean => said.evictable && this.#mayEvict(replica);
      const placed: PlacedPod = {
        name,
        placement,
        queued: now,
        get evictable() {
          return mayEvict();
        },
      };
      const unit: PlacedUnit = {
        name,
        replica,
        pod: placed,
        lengths: drawStart(pod.workload.start, streams.stream(`${pod.streamName(name)}/start`)),
        node: undefined,
        scheduledAt: undefined,
        started: undefined,
        loaded: false,
      };
      units.push(unit);
      this.#units.set(name, unit);
    }
    this.#replicas.set(pod.name, replica);
    return replica;
  }

  #queue(unit: PlacedUnit | undefined): void {
    if (unit === undefined) return;
    this.#scheduler.add(unit.pod);
    this.#schedule();
    if (this.#scheduler.unplaced.includes(unit.pod)) this.#autoscaler.unschedulable(this.#host.now);
    this.#replanAutoscaler();
  }

  #schedule(): void {
    for (const { pod, node } of this.#scheduler.schedule(this.#host.now)) {
      const unit = this.#bind(pod.name, node);
      this.#starts.begin(unit);
      const { replica } = unit;
      if (replica.units.every((one) => one.node !== undefined)) this.#host.enter(replica.pod, "pulling");
    }
    const preempted = this.#preempted;
    this.#preempted = [];
    for (const { pod, by } of preempted) this.#pushOut(pod, by);
  }

  /** A pod of a group takes all of it along. */
  #pushOut({ name }: PlacedPod, by: PlacedPod): void {
    const replica = this.#units.get(name)?.replica;
    const winner = this.#units.get(by.name)?.replica.pod.workload.name;
    // Another victim of its group may have taken it along.
    if (replica === undefined || winner === undefined || replica.pod.phase === "terminating") return;
    const { pod } = replica;
    this.#host.tell({
      kind: "preempted",
      at: this.#host.now,
      workload: pod.workload.name,
      pod: pod.name,
      by: winner,
    });
    this.#host.evict(pod);
  }

  #bind(name: string, node: Node): PlacedUnit {
    const unit = this.#units.get(name);
    invariant(unit !== undefined, `who is scheduled is there: ${name}`);
    unit.node = node;
    unit.scheduledAt = this.#host.now;
    this.#tellBinding(unit, node, { event: "bound", waited: elapsed(unit.pod.queued, this.#host.now) });
    return unit;
  }

  #started({ name: started, replica: { pod, units } }: PlacedUnit): void {
    if (started === pod.name && pod.workload.group?.workersAfterLeader === true) {
      const waiting = new Set(this.#scheduler.waiting.map(({ name }) => name));
      this.#submit(units.filter(({ name, node }) => node === undefined && !waiting.has(name)));
    }
    if (pod.phase === "pulling" && units.every(({ started }) => started !== undefined))
      this.#host.enter(pod, "starting");
  }

  #loaded(replica: PlacedReplica): void {
    if (!replica.units.every(({ loaded }) => loaded)) return;
    const { now } = this.#host;
    const { pod, attempt, units } = replica;
    // A group is ready when all its pods are: the last to start is probed last.
    const started = instant(Math.max(...replica.units.map((unit) => unit.started ?? START)));
    const { engineInit } = (units[0] as PlacedUnit).lengths;
    const ready = firstProbe(started, after(now, engineInit), pod.workload.start.probe);
    this.#host.later(ready, { kind: "probed", pod: pod.name, attempt });
  }

  #probed(name: string, attempt: number): void {
    const replica = this.#replicas.get(name);
    if (replica?.attempt === attempt && replica.pod.phase !== "terminating") this.#host.enter(replica.pod, "ready");
  }

  // ---- nodes

  #newNode(pool: NodePoolScenario): Node {
    const index = this.#made.get(pool.name) ?? 0;
    this.#made.set(pool.name, index + 1);
    const suffix = hash32(`nodes/${pool.name}/${index}`).toString(36).padStart(7, "0").slice(-5);
    const name = `${pool.name}-${suffix}`;
    const taken = this.#nodes.get(name) !== undefined;
    return taken ? this.#newNode(pool) : new Node(name, pool, this.#host.now);
  }

  #ask(pool: NodePoolScenario): void {
    const node = this.#newNode(pool);
    this.#nodes.add(node);
    this.#tellNode(node);
    const length = drawSpread(pool.provisionSeconds, this.#host.streams.stream(`nodes/${node.name}/provision`));
    const asked = this.#host.faults.nodesFrom(pool.name, this.#host.now);
    this.#host.later(after(asked, length), { kind: "node-joined", node: node.name });
  }

  #joined(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    this.#join(node);
    this.#changed();
  }

  #join(node: Node): void {
    const { now } = this.#host;
    if (this.#nodes.get(node.name) === undefined) this.#nodes.add(node);
    node.phase = "ready";
    node.readySince = now;
    node.lastPodEvent = now;
    this.#tellNode(node);
  }

  /** Capacity or pods changed: who waits is tried again, and so are evictions. */
  #changed(): void {
    const { now } = this.#host;
    this.#schedule();
    this.#evictAll();
    this.#autoscaler.changed(now);
    if (this.#scheduler.unplaced.length > 0) this.#autoscaler.unschedulable(now);
    this.#replanAutoscaler();
  }

  #drain(node: Node): void {
    if (node.phase === "draining" || node.phase === "gone") return;
    if (node.empty || node.phase === "provisioning") return this.#remove(node);
    this.#nodes.drain(node);
    this.#tellNode(node);
    this.#evictFrom(node);
  }

  #evictAll(): void {
    for (const node of [...this.#nodes.all]) if (node.phase === "draining") this.#evictFrom(node);
  }

  #evictFrom(node: Node): void {
    for (const replica of new Set(node.pods.map(({ name }) => this.#units.get(name)?.replica))) {
      // Where one that was evicted before it is gone at once, others may be so too.
      if (replica === undefined || this.#replicas.get(replica.pod.name) !== replica) continue;
      if (replica.pod.phase === "terminating") continue;
      if (!this.#mayEvict(replica)) continue;
      this.#host.evict(replica.pod);
    }
  }

  /** As the API server would; one that hasn't started always may. */
  #mayEvict({ pod, said: { budget } }: PlacedReplica): boolean {
    if (budget === undefined || pod.started === undefined) return true;
    return evictionAllowed(budget, this.#budgeted(budget, pod.workload.name), pod.ready);
  }

  #budgetOf(unit: string): { readonly name: string; readonly allowed: number } | undefined {
    const replica = this.#units.get(unit)?.replica;
    const budget = replica?.said.budget;
    if (replica === undefined || budget === undefined) return undefined;
    const { name } = replica.pod.workload;
    return { name: budget.shared?.name ?? name, allowed: disruptionsAllowed(budget, this.#budgeted(budget, name)) };
  }

  /** Of a group all pods count. */
  #budgeted({ shared }: BudgetScenario, own: string): BudgetedPods {
    let [expected, healthy] = [0, 0];
    for (const workload of shared?.workloads ?? [own]) {
      const { members } = this.#saidOf(workload);
      const scale = this.#host.scaleOf(workload);
      expected += scale.expected * members;
      healthy += scale.pods.filter(({ ready }) => ready).length * members;
    }
    return { expected, healthy };
  }

  #remove(node: Node): void {
    this.#nodes.remove(node);
    this.#starts.forget(node.name);
    this.#tellNode(node);
    this.#autoscaler.changed(this.#host.now);
    if (this.#scheduler.unplaced.length > 0) this.#autoscaler.unschedulable(this.#host.now);
    this.#replanAutoscaler();
  }

  #replanAutoscaler(): void {
    const { due } = this.#autoscaler;
    if (due >= this.#looksAt) return;
    this.#looksAt = due;
    this.#host.lookAt(due);
  }

  // ---- disruptions

  #disrupt(said: DisruptionScenario): void {
    if (said.kind === "PodCrash") return this.#crash(said.workload);
    const nodes = [...this.#nodes.all].filter(
      ({ phase, pool }) => phase === "ready" && (said.pool === undefined || pool.name === said.pool),
    );
    const node = nodes[this.#chance.below(nodes.length)];
    if (node === undefined) return;
    if (said.noticeMicros === 0) return this.#lost(node.name);
    this.#drain(node);
    this.#host.later(instant(this.#host.now + said.noticeMicros), { kind: "node-lost", node: node.name });
  }

  #lost(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    this.#nodes.drain(node);
    const replicas = new Set(node.pods.flatMap((pod) => this.#units.get(pod.name)?.replica.pod ?? []));
    for (const pod of replicas) this.#host.lose(pod);
    if (node.phase !== "gone") this.#remove(node);
    this.#changed();
  }

  #crash(workload: string): void {
    const ready = this.#host.scaleOf(workload).pods.filter((pod) => pod.ready);
    const pod = ready[this.#chance.below(ready.length)];
    const replica = pod === undefined ? undefined : this.#replicas.get(pod.name);
    if (pod === undefined || replica === undefined) return;
    // LeaderWorkerSet's RecreateGroupOnPodRestart, its default.
    if (replica.units.length > 1) return this.#host.lose(pod);
    const { now } = this.#host;
    const { delay, crashes } = restartDelay(elapsed(pod.since ?? START, now), replica.crashes);
    replica.crashes = crashes;
    replica.attempt = this.#nextAttempt();
    replica.backingOff = true;
    for (const unit of replica.units) this.#starts.stop(unit);
    this.#host.crash(pod);
    this.#host.later(after(now, delay), { kind: "restarted", pod: pod.name, attempt: replica.attempt });
  }

  #restarted(name: string, attempt: number): void {
    const replica = this.#replicas.get(name);
    if (replica?.attempt !== attempt || replica.pod.phase === "terminating") return;
    replica.backingOff = false;
    replica.restarts += 1;
    for (const unit of replica.units) this.#starts.start(unit);
  }

  // ---- facts

  #tellNode({ name, pool, phase }: Node): void {
    const { now } = this.#host;
    this.#host.tell({ kind: "node", at: now, node: name, pool: pool.name, gpus: pool.gpusPerNode, phase });
  }

  #tellBinding(
    unit: PlacedUnit,
    node: Node,
    what: { readonly event: "bound"; readonly waited: ReturnType<typeof elapsed> } | { readonly event: "released" },
  ): void {
    this.#host.tell({
      kind: "binding",
      at: this.#host.now,
      workload: unit.replica.pod.workload.name,
      pod: unit.name,
      node: node.name,
      pool: node.pool.name,
      gpus: unit.pod.placement.gpus,
      ...what,
    });
  }
}
