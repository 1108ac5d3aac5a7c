import { expect, it } from "vitest";
import { commandLine } from "../../src/cli/command-line.ts";

it("says lengths of time with their unit, as people write them", async () => {
  const options = (await commandLine()).commands.flatMap((command) => command.options);
  const lengths = options.filter(
    ({ flags, defaultValue }) => flags.endsWith("<duration>") && defaultValue !== undefined,
  );
  expect(
    [
      ...new Set(
        lengths.map(({ long, defaultValueDescription: shown, defaultValue }) => `${long} ${shown ?? defaultValue}`),
      ),
    ].sort(),
  ).toEqual(["--last 24h", "--max-horizon 31d", "--max-run-time 1h", "--metrics-interval 15s"]);
});
