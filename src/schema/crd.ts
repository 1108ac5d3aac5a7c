import { dump } from "js-yaml";
import { type JsonSchema, jsonSchemaOf } from "./json-schema.ts";
import { GROUP, KIND, LIST_KIND, PLURAL, SHORT, SINGULAR, VERSION } from "./resource.ts";
import { simulationSpec } from "./simulation-spec.ts";
import { simulationStatus } from "./simulation-status.ts";
import { structural } from "./structural.ts";

/** The CustomResourceDefinition of InferenceSimulation, as plain JSON. @throws if the schema can't be said in a CRD */
export const crd = () => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${PLURAL}.${GROUP}` },
  spec: {
    group: GROUP,
    names: {
      kind: KIND,
      listKind: LIST_KIND,
      plural: PLURAL,
      singular: SINGULAR,
      shortNames: [SHORT],
      categories: ["llm", "simulation"],
    },
    scope: "Namespaced",
    versions: [
      {
        name: VERSION,
        served: true,
        storage: true,
        additionalPrinterColumns: PRINTER_COLUMNS,
        subresources: {
          status: {},
          scale: {
            specReplicasPath: ".spec.replicas",
            statusReplicasPath: ".status.replicas",
            labelSelectorPath: ".status.selector",
          },
        },
        schema: { openAPIV3Schema: rootSchema() },
      },
    ],
  },
});

/** The same as a file. */
export const crdYaml = (): string =>
  `# Generated from src/schema by \`npm run gen\`; don't edit.\n${dump(crd(), { noRefs: true, lineWidth: 120 })}`;

const condition = (type: string) => `.status.conditions[?(@.type=="${type}")].status`;

const PRINTER_COLUMNS = [
  { name: "Mode", type: "string", jsonPath: ".spec.mode" },
  { name: "Phase", type: "string", jsonPath: ".status.phase" },
  { name: "Verdict", type: "string", jsonPath: ".status.verdict" },
  { name: "TTFT p99", type: "number", jsonPath: ".status.runs[0].kpis.ttftP99Seconds.mean", description: "Seconds." },
  { name: "Replicas", type: "integer", jsonPath: ".status.replicas" },
  { name: "Ready", type: "string", jsonPath: condition("Ready") },
  { name: "Reason", type: "string", jsonPath: `.status.conditions[?(@.type=="Ready")].reason`, priority: 1 },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

const rootSchema = (): JsonSchema => ({
  type: "object",
  description: "A digital twin of an LLM-inference platform: what it mirrors, under which traffic, and what it found.",
  required: ["spec"],
  properties: {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { type: "object" },
    spec: structural(jsonSchemaOf(simulationSpec), "spec"),
    status: structural(jsonSchemaOf(simulationStatus), "status"),
  },
});
