import { dashboard, timeseries } from "./parts.ts";

export const operator = dashboard({
  uid: "servetwin-operator",
  title: "servetwin / Operator",
  description: "The operator itself: reconciles, its queue, its simulations.",
  simulated: false,
  panels: [
    timeseries("Simulations", "By mode and phase.", "short", [
      { expr: "sum by (mode, phase) (servetwin_simulations)", legend: "{{mode}} {{phase}}" },
    ]),
    timeseries("Shadows behind the clock", "How far their worlds lag.", "s", [
      { expr: "max by (simulation) (servetwin_shadow_lag_seconds)", legend: "{{simulation}}" },
    ]),
    timeseries("Reconciles", "Per second, by result.", "ops", [
      {
        expr: "sum by (result) (rate(controller_runtime_reconcile_total[$__rate_interval]))",
        legend: "{{result}}",
      },
    ]),
    timeseries("Reconcile time", "99th percentile.", "s", [
      {
        expr: "histogram_quantile(0.99, sum by (le) (rate(controller_runtime_reconcile_time_seconds_bucket[$__rate_interval])))",
        legend: "p99",
      },
    ]),
    timeseries("Queue", "Objects that wait for a reconcile.", "short", [
      { expr: "sum by (name) (workqueue_depth)", legend: "{{name}}" },
    ]),
    timeseries("Memory", "Resident.", "bytes", [
      { expr: 'process_resident_memory_bytes{job=~".*servetwin.*"}', legend: "{{instance}}" },
    ]),
  ],
});
