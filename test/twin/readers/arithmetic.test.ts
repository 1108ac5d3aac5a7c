import { expect, it } from "vitest";
import { arithmeticOf } from "../../../src/twin/readers/pod/arithmetic.ts";

it.each([
  ["1 + 2 * 3", 7],
  ["(1 + 2) * -3", -9],
  ["LWS_WORKER_INDEX * 8", 16],
  ["$LWS_WORKER_INDEX*${EIGHT}", 16],
  ["7 / 2", 3],
  ["-7 / 2", -3],
  ["-7 % 4", -3],
  ["2 - 1 - 1", 0],
  ["1 / 0", undefined],
  ["UNKNOWN + 1", undefined],
  ["WORD + 1", undefined],
  ["1 +", undefined],
  ["(1", undefined],
  ["1 2", undefined],
  ["1 << 2", undefined],
  ["", undefined],
  ["9007199254740993 + 1", undefined],
  [`1${" + 1".repeat(500)}`, undefined],
  [`${"(".repeat(90)}1${")".repeat(90)}`, 1],
])("$((%s)) is %s", (text, value) => {
  const variables: Readonly<Record<string, string>> = { LWS_WORKER_INDEX: "2", EIGHT: "8", WORD: "many" };
  expect(arithmeticOf(text, (name) => variables[name])).toBe(value);
});
