import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Node, parseSync } from "oxc-parser";
import { describe, expect, it } from "vitest";

/** The house of ARCHITECTURE.md: who may import whom, and what must not be said on the pure floors. */

interface Room {
  /** Higher floors may import lower ones; never the other way, never their own. */
  readonly floor: number;
  readonly ours: readonly string[];
  /** `node:*` stands for all of Node's own modules. */
  readonly packages: readonly string[];
  /** All of its files, none, or these. */
  readonly pure: boolean | readonly string[];
}

const DOMAIN: Room = { floor: 3, ours: ["model", "sim"], packages: ["zod"], pure: true };

const HOUSE: Readonly<Record<string, Room>> = {
  cli: {
    floor: 8,
    ours: [
      "operator",
      "worker",
      "twin",
      "store",
      "validation",
      "schema",
      "exporter",
      "report",
      "server",
      "model",
      "sim",
    ],
    packages: [
      "node:*",
      "commander",
      "cli-table3",
      "cli-progress",
      "simple-ascii-chart",
      "js-yaml",
      "pino",
      "@opentelemetry/api",
      "@opentelemetry/exporter-trace-otlp-http",
      "@opentelemetry/resources",
      "@opentelemetry/sdk-trace-base",
    ],
    pure: false,
  },
  operator: {
    floor: 7,
    ours: ["worker", "twin", "store", "schema", "report", "model", "sim"],
    packages: ["node:*"],
    pure: ["operator/plan.ts"],
  },
  worker: {
    floor: 6,
    // exporter: series over time are written down where the world is stepped. validation: the fit of an engine runs on a thread.
    ours: ["twin", "schema", "validation", "exporter", "workload", "report", "model", "sim"],
    packages: ["node:*", "piscina", "snappyjs", "zod"],
    pure: false,
  },
  twin: {
    floor: 5,
    ours: ["schema", "report", "latency", "engine", "workload", "dataplane", "controlplane", "promql", "model", "sim"],
    packages: ["zod", "js-yaml", "rfc6902"],
    pure: true,
  },
  store: {
    floor: 5,
    ours: ["schema", "model"],
    packages: ["node:*", "@kubernetes/client-node", "undici", "js-yaml"],
    pure: false,
  },
  schema: {
    floor: 4,
    ours: ["latency", "engine", "workload", "dataplane", "controlplane", "promql", "model", "sim"],
    packages: ["zod", "js-yaml"],
    pure: true,
  },
  validation: { floor: 5, ours: ["report", "latency", "engine", "model", "sim"], packages: ["zod"], pure: true },
  exporter: {
    floor: 4,
    ours: ["report", "model", "sim"],
    packages: ["prom-client", "protobufjs"],
    pure: false,
  },
  latency: DOMAIN,
  engine: DOMAIN,
  workload: DOMAIN,
  dataplane: DOMAIN,
  controlplane: DOMAIN,
  promql: { ...DOMAIN, packages: ["@prometheus-io/lezer-promql"] },
  report: { ...DOMAIN, packages: [] },
  model: { floor: 2, ours: ["sim"], packages: ["zod"], pure: true },
  sim: { floor: 1, ours: [], packages: [], pure: true },
  // Runs in the browser; shares the list of charts and how amounts are said with the server, which draws the same.
  browser: { floor: 2, ours: ["server"], packages: ["uplot"], pure: false },
  // zod: what the API answers is described by the schemas that its OpenAPI document is made from.
  server: { floor: 1, ours: [], packages: ["express", "node:*", "zod"], pure: false },
};

/** Of the domains `schema` sees the lists only: what a spec may say. */
const DOMAINS = ["latency", "engine", "workload", "dataplane", "controlplane"];

/** Folders of choices: each file beside `index.ts` stands in its list. */
const CHOICES = [
  "cli/formats",
  "controlplane/controllers",
  "controlplane/keda/triggers",
  "controlplane/nodes/autoscalers",
  "controlplane/nodes/scorings",
  "dataplane/admissions",
  "dataplane/admitters",
  "dataplane/deciders",
  "dataplane/detectors",
  "dataplane/filters",
  "dataplane/flow-control/fairnesses",
  "dataplane/flow-control/orderings",
  "dataplane/flow-control/usage-limits",
  "dataplane/handlers",
  "dataplane/pickers",
  "dataplane/policies",
  "dataplane/producers",
  "dataplane/scorers",
  "latency/models",
  "report/detectors",
  "report/findings",
  "report/metrics",
  "twin/readers",
  "validation/results",
  "workload/arrivals",
  "workload/lengths",
  "workload/profiles",
  "workload/shapes",
  "workload/sources",
  "workload/traces",
];

/** Clocks, chance, the process and its surroundings, anything asynchronous, and what depends on the machine's language. */
const IMPURE = [
  "Buffer",
  "Date",
  "Intl",
  "Promise",
  "Worker",
  "clearInterval",
  "clearTimeout",
  "console",
  "crypto",
  "eval",
  "fetch",
  "globalThis",
  "performance",
  "process",
  "queueMicrotask",
  "require",
  "setImmediate",
  "setInterval",
  "setTimeout",
];
const IMPURE_METHODS = ["localeCompare", "toLocaleString", "toLocaleLowerCase", "toLocaleUpperCase"];

interface SourceFile {
  /** From `src/` on, with slashes. */
  readonly path: string;
  readonly folder: string;
  readonly imports: readonly string[];
  readonly nodes: readonly Visited[];
}

interface Visited {
  readonly node: Node;
  readonly parent: Node | undefined;
  /** The parent's key that leads here. */
  readonly key: string;
}

const read = (path: string, text: string): SourceFile => {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const nodes: Visited[] = [];
  visit(program, undefined, "", nodes);
  const folder = path.includes("/") ? (path.split("/")[0] as string) : "";
  return { path, folder, imports: [...new Set(nodes.flatMap(({ node }) => importOf(node)))], nodes };
};

const visit = (value: unknown, parent: Node | undefined, key: string, into: Visited[]): void => {
  if (Array.isArray(value)) {
    for (const part of value) visit(part, parent, key, into);
  } else if (typeof value === "object" && value !== null && "type" in value) {
    const node = value as Node;
    into.push({ node, parent, key });
    for (const [name, part] of Object.entries(node)) visit(part, node, name, into);
  }
};

const importOf = (node: Node): string[] => {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
      return [node.source.value];
    case "ExportNamedDeclaration":
      return node.source === null ? [] : [node.source.value];
    case "ImportExpression":
    case "TSImportType":
      return [node.source.type === "Literal" ? String(node.source.value) : "an import that is computed"];
    default:
      return [];
  }
};

// ---- imports

const targetOf = (file: SourceFile, specifier: string): string | undefined =>
  specifier.startsWith(".") ? posix.join(posix.dirname(file.path), specifier) : undefined;

const wrongImports = (file: SourceFile): string[] => {
  // The library's entrance, and nothing else, stands outside the rooms.
  if (file.path === "index.ts") return [];
  const room = HOUSE[file.folder];
  if (room === undefined) return [`${file.path}: ${file.folder}/ has no row in the table`];
  return file.imports
    .filter((specifier) => !mayImport(file, room, specifier))
    .map((specifier) => `${file.path} must not import ${specifier}`);
};

const mayImport = (file: SourceFile, room: Room, specifier: string): boolean => {
  const target = targetOf(file, specifier);
  if (target === undefined) {
    return room.packages.includes(specifier.startsWith("node:") ? "node:*" : packageOf(specifier));
  }
  const folder = target.split("/")[0] as string;
  if (folder === file.folder) return true;
  if (file.folder === "schema" && DOMAINS.includes(folder)) return target.endsWith("/index.ts");
  return room.ours.includes(folder);
};

const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

/** @returns each circle once, as the files that it leads through */
const circles = (all: readonly SourceFile[]): string[] => {
  const byPath = new Map(all.map((file) => [file.path, file]));
  const done = new Set<string>();
  const found: string[] = [];
  const follow = (file: SourceFile, trail: readonly string[]): void => {
    const back = trail.indexOf(file.path);
    if (back >= 0) found.push([...trail.slice(back), file.path].join(" → "));
    if (back >= 0 || done.has(file.path)) return;
    for (const specifier of file.imports) {
      const next = byPath.get(targetOf(file, specifier) ?? "");
      if (next !== undefined) follow(next, [...trail, file.path]);
    }
    done.add(file.path);
  };
  for (const file of all) follow(file, []);
  return found;
};

// ---- words

const isPure = (file: SourceFile): boolean => {
  const pure = HOUSE[file.folder]?.pure ?? false;
  return typeof pure === "boolean" ? pure : pure.includes(file.path);
};

const impureWords = (file: SourceFile): string[] => {
  if (!isPure(file)) return [];
  const declared = new Set(file.nodes.flatMap(declaredBy));
  return file.nodes
    .flatMap((visited) => impureWord(visited, declared))
    .map((word) => `${file.path} must not say ${word}`);
};

const impureWord = ({ node, parent, key }: Visited, declared: ReadonlySet<string>): string[] => {
  switch (node.type) {
    case "Identifier":
      if (isMereName(parent, key)) return IMPURE_METHODS.includes(node.name) ? [node.name] : [];
      if (node.name === "Math" && !isHarmlessMath(parent, key)) return ["Math.random"];
      return IMPURE.includes(node.name) && !declared.has(node.name) ? [node.name] : [];
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      return node.async ? ["async"] : [];
    case "AwaitExpression":
      return ["await"];
    case "ImportExpression":
      return ["import()"];
    case "MetaProperty":
      return node.meta.name === "import" ? ["import.meta"] : [];
    default:
      return [];
  }
};

/** A name of a field, not of something in scope. */
const isMereName = (parent: Node | undefined, key: string): boolean => {
  switch (parent?.type) {
    case "MemberExpression":
      return key === "property" && !parent.computed;
    case "Property":
    case "PropertyDefinition":
    case "MethodDefinition":
    case "TSPropertySignature":
    case "TSMethodSignature":
      return key === "key" && !parent.computed;
    case "ImportSpecifier":
      return key === "imported";
    case "ExportSpecifier":
      return key === "exported";
    case "TSQualifiedName":
      return key === "right";
    default:
      return false;
  }
};

const isHarmlessMath = (parent: Node | undefined, key: string): boolean =>
  parent?.type === "MemberExpression" &&
  key === "object" &&
  !parent.computed &&
  parent.property.type === "Identifier" &&
  parent.property.name !== "random";

/** Names that the file itself gives to something. */
const declaredBy = ({ node, parent, key }: Visited): string[] => {
  if (node.type !== "Identifier" || parent === undefined) return [];
  switch (parent.type) {
    case "VariableDeclarator":
    case "FunctionDeclaration":
    case "ClassDeclaration":
      return key === "id" || key === "params" ? [node.name] : [];
    case "ImportSpecifier":
    case "ImportNamespaceSpecifier":
      return key === "local" ? [node.name] : [];
    case "ArrowFunctionExpression":
    case "FunctionExpression":
      return key === "params" ? [node.name] : [];
    case "ArrayPattern":
    case "RestElement":
      return [node.name];
    case "Property":
      // `{ process }` names something in a pattern and reads it in an expression: here both count as naming.
      return key === "value" && parent.shorthand ? [node.name] : [];
    default:
      return [];
  }
};

// ---- the tree

const src = fileURLToPath(new URL("../src/", import.meta.url));
const files: readonly SourceFile[] = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
  .map((entry) => relative(src, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
  .sort()
  .map((path) => read(path, readFileSync(join(src, path), "utf8")));

describe("the house", () => {
  it("reads the tree at all", () => expect(files.length).toBeGreaterThan(40));
  it("imports run downhill only", () => expect(files.flatMap(wrongImports)).toEqual([]));
  it("no files in a circle", () => expect(circles(files)).toEqual([]));
  it("nothing impure on the pure floors", () => expect(files.flatMap(impureWords)).toEqual([]));
  it("the table itself runs downhill", () => {
    const uphill = Object.entries(HOUSE).flatMap(([folder, { floor, ours }]) =>
      ours.filter((other) => (HOUSE[other]?.floor ?? Infinity) >= floor).map((other) => `${folder} → ${other}`),
    );
    expect(uphill).toEqual([]);
  });
});

/** Files of a folder that its `index.ts` leads to, and those that only read the list. */
const accounted = (folder: string, all: readonly SourceFile[]): ReadonlySet<string> => {
  const index = `${folder}/index.ts`;
  const beside = all.filter(({ path }) => posix.dirname(path) === folder);
  const reached = new Set([index]);
  const follow = (path: string): void => {
    for (const specifier of beside.find((file) => file.path === path)?.imports ?? []) {
      const next = posix.join(folder, specifier);
      if (reached.has(next)) continue;
      reached.add(next);
      follow(next);
    }
  };
  follow(index);
  const readers = beside.filter((file) => file.imports.includes("./index.ts")).map(({ path }) => path);
  return new Set([...reached, ...readers]);
};

const forgotten = (folder: string, all: readonly SourceFile[]): string[] => {
  const known = accounted(folder, all);
  return all.map(({ path }) => path).filter((path) => posix.dirname(path) === folder && !known.has(path));
};

describe("choices", () => {
  it.each(CHOICES)("%s: every file stands in the list of index.ts", (folder) => {
    expect(files.map(({ path }) => path)).toContain(`${folder}/index.ts`);
    expect(forgotten(folder, files)).toEqual([]);
  });
});

describe("names and exports", () => {
  it("named exports only; no enums, no namespaces", () => {
    const found = files.flatMap(({ path, nodes }) =>
      nodes.flatMap(({ node }) => unwanted(node)).map((what) => `${path}: ${what}`),
    );
    expect(found).toEqual([]);
  });
  it("kebab-case files, named after what they hold", () => {
    const names = files.flatMap(({ path }) => path.replace(/(\.d)?\.ts$/, "").split("/"));
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([]);
    expect(names.filter((name) => /(^|-)(utils?|helpers?|managers?|common|misc)(-|$)/.test(name))).toEqual([]);
  });
});

const unwanted = (node: Node): string[] => {
  switch (node.type) {
    case "ExportDefaultDeclaration":
      return ["default export"];
    case "TSEnumDeclaration":
      return ["enum"];
    case "TSModuleDeclaration":
      return node.declare ? [] : ["namespace"];
    default:
      return [];
  }
};

describe("the checks themselves", () => {
  it.each([
    ["uphill", "sim/a.ts", 'import { b } from "../model/b.ts";'],
    ["a sibling", "engine/a.ts", 'import type { B } from "../dataplane/b.ts";'],
    ["a sibling, re-exported", "engine/a.ts", 'export { b } from "../dataplane/b.ts";'],
    ["a sibling, all of it", "engine/a.ts", 'export * from "../dataplane/b.ts";'],
    ["a sibling, as a type", "engine/a.ts", 'export type A = import("../dataplane/b.ts").B;'],
    ["a sibling, later", "server/a.ts", 'export const a = () => import("../operator/b.ts");'],
    ["a domain's inside, from the schema", "schema/a.ts", 'import { b } from "../engine/kv-cache.ts";'],
    ["a package that lives elsewhere", "twin/a.ts", 'import express from "express";'],
    ["node on a pure floor", "engine/a.ts", 'import { readFileSync } from "node:fs";'],
    ["from a folder without a row", "cellar/a.ts", "export const a = 1;"],
  ])("see an import of %s", (_name, path, text) => expect(wrongImports(read(path, text))).toHaveLength(1));

  it.each([
    ["Date", "export const a = new Date();"],
    ["Math.random", "export const a = Math.random();"],
    ["Math.random", 'export const a = Math["random"]();'],
    ["Math.random", "const { random } = Math; export const a = random;"],
    ["performance", "export const a = performance.now();"],
    ["process", "export const a = process.env.HOME;"],
    ["console", 'console.log("a");'],
    ["setTimeout", "setTimeout(() => 1, 2);"],
    ["globalThis", 'export const a = globalThis["Date"];'],
    ["async", "export const a = async () => 1;"],
    ["await", "export const a = await 1;"],
    ["localeCompare", 'export const a = "a".localeCompare("b");'],
    ["import.meta", "export const a = import.meta.url;"],
  ])("hear %s", (word, text) =>
    expect(impureWords(read("engine/a.ts", text))).toEqual([`engine/a.ts must not say ${word}`]),
  );

  it.each([
    "export const a = (said: { process: string }) => said.process;",
    "export const a = ({ process }: { process: string }) => process;",
    'export const process = "poisson";',
    "export const a = Math.max(1, 2);",
    "export interface A { console: string; Date(): number }",
  ])("pass over %s", (text) => expect(impureWords(read("engine/a.ts", text))).toEqual([]));

  it("see a circle", () => {
    const chain = [
      read("engine/a.ts", 'import "./b.ts";'),
      read("engine/b.ts", 'import type { C } from "./c.ts";'),
      read("engine/c.ts", 'export { b } from "./b.ts";'),
    ];
    expect(circles(chain)).toEqual(["engine/b.ts → engine/c.ts → engine/b.ts"]);
  });

  it("see a choice that was forgotten", () => {
    const folder = [
      read("dataplane/policies/index.ts", 'import { a } from "./a.ts"; export const all = [a];'),
      read("dataplane/policies/a.ts", 'import { shared } from "./shared.ts"; export const a = shared;'),
      read("dataplane/policies/shared.ts", "export const shared = 1;"),
      read("dataplane/policies/b.ts", 'import { shared } from "./shared.ts"; export const b = shared;'),
    ];
    expect(forgotten("dataplane/policies", folder)).toEqual(["dataplane/policies/b.ts"]);
  });

  it.each(["export default 1;", "export enum A { B }", "export namespace A { export const b = 1; }"])(
    "see %s",
    (text) => expect(read("engine/a.ts", text).nodes.flatMap(({ node }) => unwanted(node))).toHaveLength(1),
  );

  it("refuse what they can't parse", () => expect(() => read("engine/a.ts", "const = ;")).toThrow("engine/a.ts"));
});
