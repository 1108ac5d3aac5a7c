import type { Fullness } from "../dataplane/front-gate/front-gate.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { Fact } from "../model/fact.ts";
import { OTHER } from "../report/bounded-label.ts";
import { GatewayFold, type SentFact } from "../report/gateway-fold.ts";
import { flushed } from "../report/pool-flush.ts";
import type { FlowControlView, GatewayCounts, GatewayView, PoolGauges, QueueLabels } from "../report/world-view.ts";
import { type SimTime, START } from "../sim/time.ts";
import { pickerPod } from "./picker-name.ts";
import type { PickerGateway } from "./scenario.ts";

/** What an endpoint picker shows on its metrics page: counts of what happened, and gauges as it flushed them last. */
export class GatewayRecord {
  readonly #scenario: PickerGateway;
  readonly #picker: number;
  readonly #fold: GatewayFold;
  #flushed: PoolGauges | undefined;

  /**
   * @param servedModel of requests that name no model
   * @param picker which of the pickers at work it is, from 0
   */
  constructor(scenario: PickerGateway, servedModel: string, picker = 0) {
    this.#scenario = scenario;
    this.#picker = picker;
    this.#fold = new GatewayFold(servedModel);
  }

  hear(fact: Fact): void {
    this.#fold.tell(fact);
  }

  hearSent(fact: SentFact): void {
    this.#fold.tellSent(fact);
  }

  /** Gauges of the pool show from now on what is believed now. */
  flush(endpoints: readonly Endpoint[], now: SimTime): void {
    const { stalenessMicros } = this.#scenario;
    const fresh = endpoints.filter(({ scrapedAt }) => scrapedAt !== undefined && now - scrapedAt <= stalenessMicros);
    this.#flushed = flushed(this.#flushed, fresh);
  }

  view(endpoints: readonly Endpoint[], fullness: Fullness | undefined, loadProducer: string | undefined): GatewayView {
    const { namespace, pool, service, scheduling } = this.#scenario;
    const { type } = scheduling.handler;
    const disagg = type === "disagg-profile-handler" || type === "pd-profile-handler";
    return {
      namespace,
      pod: pickerPod(this.#scenario, this.#picker),
      container: "epp",
      service: service ?? `${pool}-epp`,
      pool,
      since: START,
      flushed: this.#flushed,
      endpoints: endpoints.map(({ name, waiting, inFlight, inFlightTokens }) => ({
        name,
        waiting,
        inFlight,
        inFlightTokens,
      })),
      ...(loadProducer === undefined ? {} : { loadProducer }),
      ...(fullness === undefined ? {} : { flowControl: flowControlView(fullness) }),
      ...(disagg ? { disagg: { pluginName: type, pluginType: type } } : {}),
      counted: fullness === undefined ? this.#fold.counts : withoutForgotten(this.#fold.counts, fullness),
    };
  }
}

/** Series of a flow go when flow control forgets it. Source: DeleteFlowControlFlowSeries, pkg/epp/metrics, llm-d-router@ebab6879. */
const withoutForgotten = (counts: GatewayCounts, { flows }: Fullness): GatewayCounts => {
  const known = new Set(flows.map(({ fairnessId, priority }) => `${priority} ${fairnessId}`));
  const isKnown = ({ fairnessId, priority }: QueueLabels): boolean =>
    fairnessId === OTHER || known.has(`${priority} ${fairnessId}`);
  return {
    ...counts,
    queues: counts.queues.filter(isKnown),
    queued: counts.queued.filter(({ labels }) => isKnown(labels)),
  };
};

const flowControlView = ({
  saturation: { prefill, decode, effective },
  flows: _,
  ...rest
}: Fullness): FlowControlView => ({
  ...rest,
  saturation: {
    effective,
    ...(prefill === undefined ? {} : { prefill }),
    ...(decode === undefined ? {} : { decode }),
  },
});
