/** Families that production exports and no simulation does, named as they are exposed. */
export interface NotSimulated {
  readonly source: "vLLM" | "Endpoint picker" | "kube-state-metrics" | "KEDA" | "WVA";
  readonly names: readonly string[];
  readonly why: string;
}

const each = (prefix: string, names: string): string[] => names.split(" ").map((name) => prefix + name);

/**
 * The counterpart of the rows: together they are all that production's pages hold, which a test compares with recorded ones.
 * Sources: vLLM 0.26; llm-d-router@ebab6879; kube-state-metrics on Kubernetes 1.35; KEDA 2.21, pkg/metricscollector.
 */
export const NOT_SIMULATED: readonly NotSimulated[] = [
  {
    source: "vLLM",
    names: each("vllm:estimated_", "flops_per_gpu_total read_bytes_per_gpu_total write_bytes_per_gpu_total"),
    why: "estimates that vLLM makes of its own work",
  },
  {
    source: "vLLM",
    names: each("vllm:mm_cache_", "queries_total hits_total"),
    why: "the front end's cache of images is not simulated",
  },
  {
    source: "vLLM",
    names: ["vllm:request_params_max_tokens"],
    why: "traces don't tell what requests allowed themselves",
  },
  {
    source: "Endpoint picker",
    names: [
      ...each("llm_d_epp_", "scheduler_e2e_duration_seconds plugin_duration_seconds"),
      ...each("llm_d_epp_", "request_processing_duration_seconds response_processing_duration_seconds"),
      ...each("llm_d_epp_flow_control_", "dispatch_cycle_duration_seconds request_enqueue_duration_seconds"),
      ...each("inference_extension_", "scheduler_e2e_duration_seconds plugin_duration_seconds"),
      ...each("inference_extension_flow_control_", "dispatch_cycle_duration_seconds request_enqueue_duration_seconds"),
    ],
    why: "nothing takes such time in the simulated picker",
  },
  {
    source: "Endpoint picker",
    names: each("inference_model_", "request_ttft_seconds request_tpot_seconds"),
    why: "gone from the picker's pages; its tests still name them",
  },
  {
    source: "Endpoint picker",
    names: ["llm_d_epp_plugin_data_scope_violations_total"],
    why: "no plugin of the simulation breaks its contract",
  },
  {
    source: "kube-state-metrics",
    names: [
      ...each("kube_deployment_", "owner created annotations labels metadata_generation deletion_timestamp"),
      ...each("kube_deployment_", "status_terminating_replicas status_observed_generation status_condition"),
      ...each(
        "kube_deployment_spec_",
        "paused strategy_rollingupdate_max_unavailable strategy_rollingupdate_max_surge",
      ),
      ...each("kube_statefulset_", "created annotations labels metadata_generation deletion_timestamp ordinals_start"),
      ...each("kube_statefulset_status_", "observed_generation current_revision update_revision"),
      "kube_statefulset_persistentvolumeclaim_retention_policy",
      ...each("kube_horizontalpodautoscaler_", "annotations labels metadata_generation created deletion_timestamp"),
      ...each("kube_node_", "annotations deletion_timestamp role status_addresses"),
    ],
    why: "of the object, not of what it does: the mirrored object has it",
  },
  {
    source: "kube-state-metrics",
    names: [
      ...each("kube_pod_", "completion_time ips annotations labels overhead_cpu_cores overhead_memory_bytes"),
      ...each("kube_pod_", "restart_policy runtimeclass_name_info tolerations service_account scheduler"),
      ...each("kube_pod_spec_volumes_persistentvolumeclaims_", "info readonly"),
      ...each("kube_pod_container_", "info state_started status_terminated status_terminated_reason"),
      ...each("kube_pod_container_status_last_terminated_", "reason exitcode timestamp"),
      ...each("kube_pod_init_container_", "info resource_limits resource_requests status_ready status_running"),
      ...each("kube_pod_init_container_status_", "restarts_total last_terminated_reason terminated terminated_reason"),
      ...each("kube_pod_init_container_status_", "waiting waiting_reason"),
      ...each("kube_pod_status_", "qos_class initialized_time container_ready_time reason unscheduled_time"),
    ],
    why: "what a simulated pod doesn't have",
  },
  {
    source: "KEDA",
    names: [
      ...each("keda_scaler_", "metrics_latency_seconds http_requests_total http_request_duration_seconds"),
      "keda_internal_scale_loop_latency_seconds",
    ],
    why: "simulated triggers take no time, and make no requests of their own",
  },
  {
    source: "KEDA",
    names: each(
      "keda_internal_metricsservice_grpc_server_",
      "started_total handled_total msg_received_total msg_sent_total handling_seconds",
    ),
    why: "between KEDA's operator and its metrics adapter; simulated metrics need no way from one to the other",
  },
  {
    source: "KEDA",
    names: [
      ...each("keda_", "build_info scaled_job_errors_total"),
      ...each("keda_cloudeventsource_", "events_emitted_total events_queued"),
    ],
    why: "not about ScaledObjects",
  },
];
