// Bounds of the endpoint picker's histograms. Source: pkg/epp/metrics/{metrics,llm_d_router_metrics}.go and
// dataproducer/approximateprefix/metrics.go, llm-d-router@ebab6879.

const TO_TWO_MINUTES = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60, 120,
];
export const DURATION_BOUNDS = [...TO_TWO_MINUTES, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600];
export const TTFT_BOUNDS = TO_TWO_MINUTES;
// 0.00205 is theirs.
export const TPOT_BOUNDS = [
  0.0005, 0.00205, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.125, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 2,
];
export const NTPOT_BOUNDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
export const REQUEST_BYTES_BOUNDS = Array.from({ length: 25 }, (_, i) => 64 * 2 ** i);
// 32778 is theirs, here and below.
export const RESPONSE_BYTES_BOUNDS = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_778, 65_536];
export const INPUT_TOKENS_BOUNDS = [...RESPONSE_BYTES_BOUNDS, 131_072, 262_144, 524_288, 1_048_576];
export const OUTPUT_TOKENS_BOUNDS = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];
export const QUEUE_SECONDS_BOUNDS = [
  0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
export const PREFIX_RATIO_BOUNDS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
export const PREFIX_BYTES_BOUNDS = [0, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];
