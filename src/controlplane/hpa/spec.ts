/** What is read of an autoscaling/v2 HorizontalPodAutoscaler, defaults filled. Plain data; quantities in thousandths. */
export interface HpaSpec {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Not empty: the API server puts `DEFAULT_METRICS` where an object has none. */
  readonly metrics: readonly HpaMetric[];
  /** undefined: spec.behavior is absent, and the older limits hold. */
  readonly behavior?: HpaBehavior;
  readonly featureGates: HpaFeatureGates;
  /** Minor version of the Kubernetes that runs the controller: 36 for v1.36. */
  readonly kubernetesMinor: number;
}

export type HpaMetric =
  | { readonly type: "Resource"; readonly resource: string; readonly target: HpaTarget }
  | {
      readonly type: "ContainerResource";
      readonly resource: string;
      readonly container: string;
      readonly target: HpaTarget;
    }
  | { readonly type: "Pods"; readonly metric: string; readonly selector: MatchLabels; readonly target: HpaTarget }
  | {
      readonly type: "Object";
      readonly metric: string;
      readonly selector: MatchLabels;
      readonly describedObject: { readonly kind: string; readonly name: string };
      readonly target: HpaTarget;
    }
  | { readonly type: "External"; readonly metric: string; readonly selector: MatchLabels; readonly target: HpaTarget }
  /** A type that the controller doesn't know; it fails with InvalidMetricSourceType. */
  | { readonly type: "Unknown"; readonly said: string };

export type MatchLabels = Readonly<Record<string, string>>;

export type HpaTarget =
  | { readonly type: "Utilization"; readonly percent: number }
  | { readonly type: "Value"; readonly milli: number }
  | { readonly type: "AverageValue"; readonly milli: number };

export interface HpaBehavior {
  readonly scaleUp: ScalingRules;
  readonly scaleDown: ScalingRules;
}

export interface ScalingRules {
  /** undefined: 0 s up; down, the controller's --horizontal-pod-autoscaler-downscale-stabilization. */
  readonly stabilizationWindowSeconds?: number;
  readonly selectPolicy: "Max" | "Min" | "Disabled";
  readonly policies: readonly ScalingPolicy[];
  /** undefined: the controller's --horizontal-pod-autoscaler-tolerance. */
  readonly tolerance?: number;
}

export interface ScalingPolicy {
  readonly type: "Pods" | "Percent";
  readonly value: number;
  readonly periodSeconds: number;
}

/** What an object may leave out of its behavior. */
export interface SaidBehavior {
  readonly scaleUp?: Partial<ScalingRules>;
  readonly scaleDown?: Partial<ScalingRules>;
}

export interface HpaFeatureGates {
  /** HPAScaleToZero: alpha (off) from 1.16, beta (on) in 1.37. */
  readonly scaleToZero: boolean;
  /** HPAConfigurableTolerance: alpha (off) in 1.33, beta (on) from 1.35. */
  readonly configurableTolerance: boolean;
}

/** Kubernetes release whose controller is simulated unless somebody says another. */
export const DEFAULT_KUBERNETES_MINOR = 36;

/** @returns the gates as a release sets them by itself. Source: pkg/features/kube_features.go, v1.37. */
export const featureGatesOf = (kubernetesMinor: number): HpaFeatureGates => ({
  scaleToZero: kubernetesMinor >= 37,
  configurableTolerance: kubernetesMinor >= 35,
});

/** What the API server sets where `spec.metrics` is empty: CPU utilisation of 80 %. Source: autoscaling/v2 defaults, v1.36. */
export const DEFAULT_METRICS: readonly HpaMetric[] = [
  { type: "Resource", resource: "cpu", target: { type: "Utilization", percent: 80 } },
];

const DEFAULT_UP: ScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [
    { type: "Pods", value: 4, periodSeconds: 15 },
    { type: "Percent", value: 100, periodSeconds: 15 },
  ],
};

const DEFAULT_DOWN: ScalingRules = {
  selectPolicy: "Max",
  policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
};

/**
 * Fills a behavior as the API server does: each missing direction and field on its own.
 * Source: autoscaling/v2 defaults (GenerateHPAScaleUpRules, GenerateHPAScaleDownRules), v1.36.
 */
export const withBehaviorDefaults = (said: SaidBehavior): HpaBehavior => ({
  scaleUp: filled(DEFAULT_UP, said.scaleUp),
  scaleDown: filled(DEFAULT_DOWN, said.scaleDown),
});

const filled = (defaults: ScalingRules, said: Partial<ScalingRules> = {}): ScalingRules => ({
  ...defaults,
  ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)),
});
