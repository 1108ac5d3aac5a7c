import { type Known, known } from "../../../model/known.ts";
import type { Field } from "../../field.ts";

/** How many a workload wants; 1 where it doesn't say, as every API server has it. @param workload the object itself */
export const replicasOf = (workload: Field, api = "Kubernetes"): Known<number> =>
  workload.at("spec", "replicas").whole() ?? known(1, { kind: "default", why: `${api}: replicas is 1` });
