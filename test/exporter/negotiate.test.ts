import { expect, it } from "vitest";
import { negotiate } from "../../src/exporter/negotiate.ts";

const PROMETHEUS_3 =
  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
const PROMETHEUS_2 =
  "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

it.each([
  { who: "Prometheus 3", accept: PROMETHEUS_3, format: "openmetrics" },
  { who: "Prometheus 2", accept: PROMETHEUS_2, format: "openmetrics" },
  { who: "curl", accept: "*/*", format: "text" },
  { who: "nobody", accept: undefined, format: "text" },
  { who: "a browser", accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", format: "text" },
  { who: "one who likes text better", accept: "text/plain;q=0.9, application/openmetrics-text;q=0.5", format: "text" },
  { who: "one who forbids OpenMetrics", accept: "application/openmetrics-text;q=0", format: "text" },
  { who: "one who only reads OpenMetrics 2", accept: 'application/openmetrics-text; version="2.0.0"', format: "text" },
  { who: "one who shouts", accept: 'Application/OpenMetrics-Text; Version="1.0.0"', format: "openmetrics" },
  { who: "a broken header", accept: ";;q=,,", format: "text" },
])("answers $who with $format", ({ accept, format }) => expect(negotiate(accept)).toBe(format));
