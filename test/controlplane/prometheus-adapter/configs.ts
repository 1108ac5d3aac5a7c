/** Configurations as projects document them, in their own words. */

/** prometheus-adapter v0.12.0, docs/sample-config.yaml. */
export const SAMPLE = `
rules:
- seriesQuery: '{__name__=~"^container_.*",container!="POD",namespace!="",pod!=""}'
  resources: {overrides: {namespace: {resource: "namespace"}, pod: {resource: "pod"}}}
  name: {matches: "^container_(.*)_seconds_total$"}
  metricsQuery: "sum(rate(<<.Series>>{<<.LabelMatchers>>,container!=\\"POD\\"}[2m])) by (<<.GroupBy>>)"
- seriesQuery: '{__name__=~"^container_.*_total",container!="POD",namespace!="",pod!=""}'
  resources: {overrides: {namespace: {resource: "namespace"}, pod: {resource: "pod"}}}
  seriesFilters:
  - isNot: "^container_.*_seconds_total$"
  name: {matches: "^container_(.*)_total$"}
  metricsQuery: "sum(rate(<<.Series>>{<<.LabelMatchers>>,container!=\\"POD\\"}[2m])) by (<<.GroupBy>>)"
- seriesQuery: '{namespace!="",__name__!~"^container_.*"}'
  name: {matches: "^(.*)_total$"}
  resources: {template: "<<.Resource>>"}
  metricsQuery: "sum(rate(<<.Series>>{<<.LabelMatchers>>,container!=\\"POD\\"}[2m])) by (<<.GroupBy>>)"
- seriesQuery: 'cheddar{sharp="true"}'
  name: {as: "cheesy_goodness"}
  resources: {overrides: {brand: {group: "cheese.io", resource: "brand"}}}
  metricsQuery: 'count(cheddar{sharp="true"})'
externalRules:
- seriesQuery: '{__name__="queue_consumer_lag",name!=""}'
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (name)
- seriesQuery: '{__name__="queue_depth",topic!=""}'
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (name)
  resources: {namespaced: false}
`;

/** Of llm-d: queue and requests in flight of an endpoint picker, and a gauge of the engines. */
export const LLM_D = `
externalRules:
- seriesQuery: 'llm_d_epp_flow_control_queue_size{inference_pool!=""}'
  resources: {overrides: {namespace: {resource: namespace}}}
  name: {as: igw_queue_depth}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>})'
- seriesQuery: 'inference_objective_running_requests'
  resources: {namespaced: false}
  name: {as: igw_running_requests}
  metricsQuery: 'sum(inference_objective_running_requests{top_level_controller_name="qwen-epp"})'
rules:
- seriesQuery: 'vllm:kv_cache_usage_perc{namespace!="",pod!=""}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  name: {matches: '^vllm:(.*)$', as: 'vllm_\${1}'}
  metricsQuery: 'avg(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
`;

/** vLLM production-stack, observability/prom-adapter.yaml: a total per namespace, for an Object metric on a Namespace. */
export const PRODUCTION_STACK = `
rules:
- seriesQuery: '{__name__=~"^vllm:num_requests_waiting$"}'
  resources: {overrides: {namespace: {resource: "namespace"}}}
  name: {matches: "", as: "vllm_num_requests_waiting"}
  metricsQuery: sum by(namespace) (vllm:num_requests_waiting)
`;

/** The chart's own rule for gauges, as KServe's guides use it on vLLM's. */
export const GAUGES_OF_PODS = `
rules:
- seriesQuery: '{__name__=~"^vllm:num_requests_(waiting|running)$",namespace!="",pod!=""}'
  resources: {template: "<<.Resource>>"}
  name: {matches: "^vllm:(.*)$", as: ""}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
`;

/** prometheus-adapter v0.12.0, cmd/config-gen/utils/default.go, at 5m. */
export const RESOURCE_RULES = `
resourceRules:
  cpu:
    containerQuery: sum(rate(container_cpu_usage_seconds_total{<<.LabelMatchers>>}[5m])) by (<<.GroupBy>>)
    nodeQuery: sum(rate(container_cpu_usage_seconds_total{<<.LabelMatchers>>, id='/'}[5m])) by (<<.GroupBy>>)
    resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}, instance: {resource: node}}}
    containerLabel: container
  memory:
    containerQuery: sum(container_memory_working_set_bytes{<<.LabelMatchers>>}) by (<<.GroupBy>>)
    nodeQuery: sum(container_memory_working_set_bytes{<<.LabelMatchers>>,id='/'}) by (<<.GroupBy>>)
    resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}, instance: {resource: node}}}
    containerLabel: container
  window: 5m
`;
