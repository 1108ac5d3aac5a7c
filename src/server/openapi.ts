import * as z from "zod";
import type { Answer, Parameter, Route } from "./route.ts";
import {
  problemDetails,
  simulationDetail,
  simulationList,
  simulationSummary,
  sweepDocument,
  timelines,
} from "./view.ts";

/** Views that stand under `components`, by the names that clients see. */
const COMPONENTS: Readonly<Record<string, z.ZodType>> = {
  SimulationList: simulationList,
  SimulationSummary: simulationSummary,
  SimulationDetail: simulationDetail,
  Timelines: timelines,
  Sweep: sweepDocument,
  ProblemDetails: problemDetails,
};

const REF = "#/components/schemas/";

/** The OpenAPI 3.1 document of these routes, made from the schemas of what they answer. */
export const openApi = (routes: readonly Route[]) => ({
  openapi: "3.1.1",
  info: {
    title: "servetwin",
    version: "1",
    description:
      "Reads what a servetwin operator simulates; changes nothing. All figures are simulated, none is measured. JSON answers and pages carry an entity tag: ask again with If-None-Match, and 304 says that nothing changed.",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  paths: Object.fromEntries(routes.map((route) => [route.path, { get: operationOf(route) }])),
  components: { schemas: schemasOf(COMPONENTS) },
});

const operationOf = ({ id, summary, parameters = [], answers }: Route) => ({
  operationId: id,
  summary,
  ...(parameters.length === 0 ? {} : { parameters: parameters.map(parameterOf) }),
  responses: {
    ...Object.fromEntries(
      [...new Set(answers.map(({ status }) => status))].map((status) => [status, of(status, answers)]),
    ),
    default: { description: "Anything else.", content: contentOf([PROBLEM]) },
  },
});

const PROBLEM: Answer = {
  status: 500,
  description: "",
  contentType: "application/problem+json",
  schema: problemDetails,
};

const of = (status: number, answers: readonly Answer[]) => {
  const those = answers.filter((answer) => answer.status === status);
  return { description: those[0]?.description, content: contentOf(those) };
};

const contentOf = (answers: readonly Answer[]) =>
  Object.fromEntries(answers.map(({ contentType, schema }) => [contentType, { schema: schemaOf(schema) }]));

const schemaOf = (schema: z.ZodType | undefined): object => {
  if (schema === undefined) return { type: "string" };
  const [name] = Object.entries(COMPONENTS).find(([, one]) => one === schema) ?? [];
  return name === undefined ? plain(z.toJSONSchema(schema)) : { $ref: `${REF}${name}` };
};

const parameterOf = ({ name, in: place, description, schema }: Parameter) => ({
  name,
  in: place,
  description,
  required: place === "path",
  schema: plain(z.toJSONSchema(schema, { io: "input" })),
});

const schemasOf = (schemas: Readonly<Record<string, z.ZodType>>) => {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, {
    uri: (id) => `${REF}${id}`,
    override: ({ jsonSchema }) => {
      // Ours never change once made; to a client of an API that only reads this says nothing.
      delete jsonSchema.readOnly;
      // Later versions may say more: clients pass over what they don't know.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  }).schemas;
  return Object.fromEntries(Object.entries(made).map(([id, schema]) => [id, plain(schema)]));
};

/** Inside the document a schema has neither address nor dialect of its own. */
const plain = ({ $schema: _dialect, $id: _address, ...schema }: Record<string, unknown>): object => schema;
