import type { HpaBehavior, SaidBehavior, ScalingPolicy, ScalingRules } from "../../../controlplane/hpa/spec.ts";
import { type Known, known } from "../../../model/known.ts";
import type { Field } from "../../field.ts";
import { type ApiCheck, byApi } from "./api-check.ts";

/** A value as `explain` shows it. */
export type Shown = string | number | boolean | null;

const MAX_WINDOW_SECONDS = 3600;
const MAX_PERIOD_SECONDS = 1800;
const DIRECTIONS = ["scaleUp", "scaleDown"] as const;

/** What `behavior` of an HPA, or of whatever makes one, says; undefined: there is none. */
export const readBehavior = (behavior: Field, api: ApiCheck): SaidBehavior | undefined => {
  if (!behavior.present) return undefined;
  const said = DIRECTIONS.flatMap((direction) => {
    const rules = behavior.at(direction);
    return rules.present ? [[direction, rulesOf(rules, api)] as const] : [];
  });
  return Object.fromEntries(said);
};

const rulesOf = (rules: Field, api: ApiCheck): Partial<ScalingRules> => {
  const window = api.integer(rules.at("stabilizationWindowSeconds"));
  if (window !== undefined && window.value < 0) {
    api.invalid(rules.at("stabilizationWindowSeconds"), "must be greater than or equal to zero");
  } else if (window !== undefined && window.value > MAX_WINDOW_SECONDS) {
    api.invalid(rules.at("stabilizationWindowSeconds"), `must be less than or equal to ${MAX_WINDOW_SECONDS}`);
  }
  const select = rules.at("selectPolicy").text()?.value;
  if (select !== undefined && !["Max", "Min", "Disabled"].includes(select)) {
    api.unsupported(rules.at("selectPolicy"), ["Disabled", "Max", "Min"]);
  }
  const policies = rules.at("policies");
  const items = policies.items();
  if (policies.present && items.length === 0) api.required(policies, "must specify at least one Policy");
  const tolerance = api.quantity(rules.at("tolerance"), "must be greater than or equal to 0", 0);
  return {
    ...(window === undefined ? {} : { stabilizationWindowSeconds: window.value }),
    ...(select === undefined ? {} : { selectPolicy: select as ScalingRules["selectPolicy"] }),
    ...(policies.present ? { policies: items.map((item) => policyOf(item, api)) } : {}),
    ...(tolerance === undefined ? {} : { tolerance: tolerance.value / 1000 }),
  };
};

const policyOf = (item: Field, api: ApiCheck): ScalingPolicy => {
  const type = item.at("type").text()?.value ?? "";
  if (!["Pods", "Percent"].includes(type)) api.unsupported(item.at("type"), ["Percent", "Pods"]);
  const value = api.integer(item.at("value"))?.value ?? 0;
  if (value <= 0) api.invalid(item.at("value"), "must be greater than zero", value);
  const periodSeconds = api.integer(item.at("periodSeconds"))?.value ?? 0;
  if (periodSeconds <= 0) api.invalid(item.at("periodSeconds"), "must be greater than zero", periodSeconds);
  else if (periodSeconds > MAX_PERIOD_SECONDS) {
    api.invalid(item.at("periodSeconds"), `must be less than or equal to ${MAX_PERIOD_SECONDS}`);
  }
  return { type: type as ScalingPolicy["type"], value, periodSeconds };
};

/**
 * Tells each value of a behavior, and where it is from.
 *
 * @param said the field that it was read from; what it leaves out is the API server's default
 */
export const showBehavior = (
  said: Field,
  filled: HpaBehavior | undefined,
  show: (path: string, value: Known<Shown>) => void,
): void => {
  if (filled === undefined) {
    show("behavior", known(null, byApi("no behavior: at most double, or to 4, at once; down as wanted")));
    return;
  }
  for (const direction of DIRECTIONS) {
    showRules(`behavior.${direction}`, said.at(direction), filled[direction], show);
  }
};

const showRules = (
  path: string,
  said: Field,
  rules: ScalingRules,
  show: (path: string, value: Known<Shown>) => void,
): void => {
  const tell = (name: string, field: Field, value: Shown) => {
    const from = field.present ? field.from : byApi(`${path}.${name.replace(/\[\d+\].*/, "")}`);
    show(`${path}.${name}`, known(value, from));
  };
  const window = rules.stabilizationWindowSeconds;
  if (window !== undefined) tell("stabilizationWindowSeconds", said.at("stabilizationWindowSeconds"), window);
  tell("selectPolicy", said.at("selectPolicy"), rules.selectPolicy);
  rules.policies.forEach((policy, i) => {
    for (const key of ["type", "value", "periodSeconds"] as const) {
      tell(`policies[${i}].${key}`, said.at("policies", i, key), policy[key]);
    }
  });
  if (rules.tolerance !== undefined) tell("tolerance", said.at("tolerance"), rules.tolerance);
};
