import { describe, expect, it } from "vitest";
import { isLabelSelector, printLabelSelector } from "../../../src/controlplane/hpa/label-selector.ts";

describe("isLabelSelector", () => {
  it.each([
    "app=engine",
    "app==engine,tier!=cache",
    "app",
    "!canary",
    "llm-d.ai/role in (prefill, decode),app=engine",
    "app notin (a)",
    "app=",
    "generation>3",
    " app = engine ",
  ])("takes %s", (text) => expect(isLabelSelector(text)).toBe(true));
  it.each([
    "cheddar cheese",
    "app=engine,",
    "=engine",
    "app in engine",
    "app in (a",
    "app~engine",
    "-app",
    "app=a b",
    "a/b/c",
  ])("refuses %s", (text) => expect(isLabelSelector(text)).toBe(false));
});

it("prints selectors as Go does", () => {
  expect(printLabelSelector({})).toBe("nil");
  expect(printLabelSelector({ pool: "b", app: "a" })).toBe(
    "&LabelSelector{MatchLabels:map[string]string{app: a,pool: b,},MatchExpressions:[]LabelSelectorRequirement{},}",
  );
});
