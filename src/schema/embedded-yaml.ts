import { load, YAMLException } from "js-yaml";
import { refusalOf } from "./guard.ts";
import { KUBECTL_SCHEMA } from "./kubectl-yaml.ts";

/** YAML that stands as text in an object, as Kubernetes' own decoder takes it. @returns what it says, or what is wrong with it */
export const embeddedYaml = (text: string): { readonly raw: unknown } | { readonly wrong: string } => {
  try {
    const raw = text.trim() === "" ? undefined : load(text, { schema: KUBECTL_SCHEMA });
    const refusal = raw === undefined ? undefined : refusalOf(raw);
    return refusal === undefined ? { raw } : { wrong: `what it says ${refusal.message}` };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const line = error.mark === undefined || error.mark === null ? "" : ` in line ${error.mark.line + 1}`;
    return { wrong: `this is no YAML that can be read${line}: ${error.reason}` };
  }
};
