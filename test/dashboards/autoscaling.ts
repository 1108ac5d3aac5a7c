import { dashboard, type Line, SIMULATED, timeseries } from "./parts.ts";

const HPA = "sim:kube_horizontalpodautoscaler";
const of = (series: string, legend: string): Line => ({
  expr: `sum by (scenario, horizontalpodautoscaler) (${series}{${SIMULATED}})`,
  legend: `{{scenario}} {{horizontalpodautoscaler}} ${legend}`,
});
const perWorkload = (series: string, legend: string): Line => ({
  expr: `sum by (scenario, deployment) (${series}{${SIMULATED}})`,
  legend: `{{scenario}} {{deployment}} ${legend}`,
});

export const autoscaling = dashboard({
  uid: "servetwin-autoscaling",
  title: "servetwin / Autoscaling",
  description: "What simulated autoscalers want, what they see, and what they get.",
  annotation: {
    name: "Decisions",
    expr: `changes(${HPA}_status_desired_replicas{${SIMULATED}}[$__interval]) > 0`,
  },
  panels: [
    timeseries("Replicas wanted", "By the HPA, between its limits.", "short", [
      of(`${HPA}_status_desired_replicas`, "wanted"),
      of(`${HPA}_spec_min_replicas`, "least"),
      of(`${HPA}_spec_max_replicas`, "most"),
    ]),
    timeseries("Replicas there", "Of Deployments: asked for, there, and ready.", "short", [
      perWorkload("sim:kube_deployment_spec_replicas", "asked for"),
      perWorkload("sim:kube_deployment_status_replicas", "there"),
      perWorkload("sim:kube_deployment_status_replicas_ready", "ready"),
    ]),
    timeseries("Signals as seen", "What the HPA read at its last sync, and the target.", "short", [
      {
        expr: `sum by (scenario, metric_name) (${HPA}_status_target_metric{${SIMULATED}})`,
        legend: "{{scenario}} {{metric_name}} seen",
      },
      {
        expr: `sum by (scenario, metric_name) (${HPA}_spec_target_metric{${SIMULATED}})`,
        legend: "{{scenario}} {{metric_name}} target",
      },
    ]),
    timeseries("Signals as true", "The same in the engines at this instant, mean over replicas.", "short", [
      { expr: `avg by (scenario) (sim:vllm:num_requests_waiting{${SIMULATED}})`, legend: "{{scenario}} waiting" },
      { expr: `avg by (scenario) (sim:vllm:num_requests_running{${SIMULATED}})`, legend: "{{scenario}} running" },
    ]),
    timeseries("Conditions", "1: AbleToScale, ScalingActive and ScalingLimited hold.", "short", [
      {
        expr: `max by (scenario, condition) (${HPA}_status_condition{${SIMULATED},status="true"})`,
        legend: "{{scenario}} {{condition}}",
      },
    ]),
  ],
});
