import { expect, it } from "vitest";
import { fieldLines } from "../../src/store/field-lines.ts";
import { readManifests } from "../../src/store/manifests.ts";

const TEXT = `# an HPA
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: a }
spec:
  minReplicas: 1
  metrics:
    - type: Pods
      pods:
        target: { averageValue: "5" }
    - type: Resource
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: { name: b }
  data:
    x: &x "1"
    a.b/c: *x
`;

it.each([
  { object: "a", field: "spec.minReplicas", line: 6 },
  { object: "a", field: "spec.metrics[0].pods.target.averageValue", line: 10 },
  { object: "a", field: "spec.metrics[1].type", line: 11 },
  { object: "a", field: "spec.behavior.scaleDown", line: 5 },
  { object: "a", field: "nothing", line: 2 },
  { object: "b", field: 'data["a.b/c"]', line: 21 },
])("$field of $object stands at line $line", ({ object, field, line }) => {
  const found = readManifests(TEXT, "a.yaml").objects.find((one) => one.object.metadata.name === object);
  expect(fieldLines(TEXT)(found?.line ?? 0, field)).toBe(line);
});
