import { describe, expect, it } from "vitest";
import { parseMetricsQuery } from "../../../src/controlplane/prometheus-adapter/metrics-query.ts";

const VALUES = {
  Series: "up",
  LabelMatchers: 'namespace="ns",pod=~"a|b"',
  LabelValuesByName: { pod: "a|b", namespace: "ns" },
  GroupBy: "pod,container",
  GroupBySlice: ["pod", "container"],
};
const rendered = (text: string) => {
  const parsed = parseMetricsQuery(text);
  return parsed.ok ? parsed.template.render(VALUES) : parsed.message;
};

describe("a query's template", () => {
  // The first rows are those of pkg/naming/metrics_query_test.go.
  it.each([
    ["series <<.Series>>", "series up"],
    ["<<.LabelMatchers>>", 'namespace="ns",pod=~"a|b"'],
    ['<<index .LabelValuesByName "pod">>', "a|b"],
    ['<<index .LabelValuesByName "namespace">> <<index .LabelValuesByName "pod">>', "ns a|b"],
    ["<<.GroupBy>>", "pod,container"],
    ["<<.GroupBySlice>>", "[pod container]"],
    ["<<.LabelValuesByName>>", "map[namespace:ns pod:a|b]"],
    ["<< .Series >>{<<- .LabelMatchers ->>}", 'up{namespace="ns",pod=~"a|b"}'],
    ["a  <<- .Series ->>  b", "aupb"],
    ["<<.LabelValuesByName.namespace>>/<<.LabelValuesByName.none>>", "ns/<no value>"],
    ['<<index .LabelValuesByName "none">>x<<index .LabelValuesByName `pod`>>', "xa|b"],
    ["<<index .GroupBySlice 1>>", "container"],
    ["a<</* said before */>>b", "ab"],
    ["nothing > to < do", "nothing > to < do"],
    ["", ""],
  ])("%j is %j", (text, expected) => expect(rendered(text)).toBe(expected));

  it("fails where an entry of a list is not there", () =>
    expect(rendered("<<index .GroupBySlice 2>>")).toBeUndefined());

  it.each([
    ['<<range $k, $v := .LabelValuesByName>><<$k>>="<<$v>>"<<end>>', /range of Go templates is not modelled/],
    ["<<if .GroupBy>>x<<end>>", /if of Go templates is not modelled/],
    ['<<join .GroupBySlice ",">>', /join of Go templates is not modelled/],
    ["<<.Series | printf `%q`>>", /a pipeline of Go templates is not modelled/],
    ["<<.series>>", /there is no field \.series; there are \.Series, \.LabelMatchers/],
    ["<<.LabelMatchersByName>>", /there is no field \.LabelMatchersByName/],
    ["<<.toString>>", /there is no field/],
    ["<<.Series.x>>", /\.Series has no fields/],
    ["<<index .GroupBySlice `a`>>", /index takes a map and a text/],
    ["sum(<<.Series", /not closed/],
    ["sum(<<.Series>) by (<<.GroupBy>>)", /not closed|not modelled/],
  ])("%j is refused", (text, why) => expect(rendered(text)).toMatch(why));
});
