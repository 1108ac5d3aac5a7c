import type { ModelShape } from "../../model/model-shape.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { type Ledger, overridden } from "../ledger.ts";

type ModelOverride = NonNullable<SimulationSpec["overrides"]["model"]>;

/** Experts, windows and the rest that spec.overrides.model may say of a model beside its plain figures. */
export const withFigures = (shape: ModelShape, override: ModelOverride, ledger: Ledger, path: string): ModelShape => {
  const use = <T extends number | boolean>(name: string, value: T | undefined): T | undefined => {
    const said = overridden(value, `overrides.model.${name}`);
    return said === undefined ? undefined : ledger.use(`${path}.model.${name}`, said);
  };
  const tied = use("tieWordEmbeddings", override.tieWordEmbeddings);
  const window = use("slidingWindow", override.slidingWindow);
  const sliding = use("slidingLayers", override.slidingLayers);
  if (sliding !== undefined && sliding > shape.layers) {
    const message = `${sliding} sliding layers are more than the model's ${shape.layers}`;
    const fix = `set at most ${shape.layers}`;
    ledger.error({ reason: "BadOverride", field: "spec.overrides.model.slidingLayers", message, fix });
  }
  const { moe } = override;
  for (const [name, value] of Object.entries(moe ?? {})) use(`moe.${name}`, value);
  return {
    ...shape,
    ...(tied === undefined ? {} : { tieWordEmbeddings: tied }),
    ...(window === undefined ? {} : { slidingWindow: window }),
    ...(sliding === undefined
      ? {}
      : { layerKinds: { sliding_attention: sliding, full_attention: Math.max(0, shape.layers - sliding) } }),
    ...(moe === undefined
      ? {}
      : {
          moe: {
            expertIntermediateOwn: true,
            interleaveStep: 0,
            denseIntermediate: 0,
            ...moe,
            sharedIntermediate: moe.sharedIntermediate ?? 0,
            denseLayersFirst: moe.denseLayersFirst ?? 0,
          },
        }),
  };
};
