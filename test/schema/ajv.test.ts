import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { crd } from "../../src/schema/crd.ts";
import { BAD, broken, GOOD } from "./objects.ts";

/** A second validator on the CRD's schema: it must say the same as zod, where a plain schema can say it. */
const ajv = new Ajv({ strict: false, allErrors: true, formats: { int32: true, int64: true, "date-time": true } });
const [version] = crd().spec.versions;
const validate = ajv.compile(version?.schema.openAPIV3Schema ?? false);
const without = (object: object): unknown =>
  JSON.parse(JSON.stringify(object), (_key, value) => (value === null ? undefined : value));

/** `/spec/run/seed` and the like, of a message's place and of a field that is missing there. */
const placesOf = () =>
  (validate.errors ?? []).flatMap((e) => [e.instancePath, `${e.instancePath}/${e.params.missingProperty ?? ""}`]);
const pointer = (field: string) => `/${field.replaceAll(/\[(\d+)\]/g, ".$1").replaceAll(".", "/")}`;

describe("the CRD's schema", () => {
  it.each(GOOD.map((object) => [object.metadata.name, object]))("takes %s", (_name, object) => {
    expect(validate(without(object)), ajv.errorsText(validate.errors)).toBe(true);
  });
  it.each(BAD.filter(({ by }) => by === "schema").map((bad) => [bad.name, bad] as const))(
    "refuses: %s",
    (_name, bad) => {
      expect(validate(broken(bad))).toBe(false);
      expect(placesOf()).toContain(pointer(bad.field));
    },
  );
  it.each(BAD.filter(({ by }) => by !== "schema").map((bad) => [bad.name, bad] as const))(
    "can't see: %s",
    (_name, bad) => {
      expect(validate(broken(bad)), ajv.errorsText(validate.errors)).toBe(true);
    },
  );
});
