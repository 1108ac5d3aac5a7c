import * as z from "zod";
import { madeOnce } from "./made-once.ts";

/** One choice of a kind: its name in specs, one line on it, its parameters and how to make one. */
export interface Choice<Context, Made, Params extends z.ZodRawShape = z.ZodRawShape> {
  readonly name: string;
  readonly summary: string;
  /** Shape of its parameters; each has a default or is required by what it means. */
  readonly params: z.ZodObject<Params>;
  create(params: z.output<z.ZodObject<Params>>, context: Context): Made;
}

/** A choice as it is written down: its parameters are made when somebody asks, since a run names few of all choices. */
export interface Declared<Context, Made, Params extends z.ZodRawShape>
  extends Omit<Choice<Context, Made, Params>, "params"> {
  readonly params: () => z.ZodObject<Params>;
}

/** Declares a kind of choice: what its makers are handed and what they make. Returns what makes a choice of its declaration. */
export const kindOf =
  <Context, Made>() =>
  <const Name extends string, Params extends z.ZodRawShape>(
    declared: Declared<Context, Made, Params> & { readonly name: Name },
  ): Choice<Context, Made, Params> & { readonly name: Name } => {
    const params = madeOnce(declared.params);
    return {
      ...declared,
      get params() {
        return params();
      },
    };
  };

interface AnyChoice {
  readonly name: string;
  readonly summary: string;
  readonly params: z.ZodObject;
  create(params: never, context: never): unknown;
}

type Named<Key extends string, C extends AnyChoice> = C extends AnyChoice
  ? { readonly [K in Key]: C["name"] } & Said<z.output<C["params"]>>
  : never;

/** zod types an object without fields as one whose every field is `never`; here it adds nothing. */
type Said<Params> = string extends keyof Params ? unknown : Params;

export interface Registry<Key extends string, C extends AnyChoice> {
  readonly all: readonly C[];
  /** Strict: `{ [key]: name, ...params }`; what a spec may say. */
  readonly schema: z.ZodType<Named<Key, C>>;
  /** @throws if no choice has that name; the schema has refused it before. */
  create(said: Named<Key, C>, context: Parameters<C["create"]>[1]): ReturnType<C["create"]>;
}

const optionOf = (key: string, { name, summary, params }: AnyChoice) =>
  z.strictObject({ ...params.shape, [key]: z.literal(name) }).meta({ description: summary });

/** The list of a kind's choices. What exists can be read in one place; its schema, CRD enum and docs come from it. */
export const registry = <const Key extends string, const C extends AnyChoice>(
  key: Key,
  all: readonly C[],
): Registry<Key, C> => {
  // Made when something is read by it: there are many, of which one spec says few.
  const schema = z.lazy(() =>
    z.discriminatedUnion(key, all.map((choice) => optionOf(key, choice)) as never),
  ) as unknown as z.ZodType<Named<Key, C>>;
  return {
    all,
    schema,
    create: (said, context) => {
      const { [key]: name, ...params } = said as Record<string, unknown>;
      const choice = all.find((candidate) => candidate.name === name);
      if (choice === undefined) throw new Error(`no choice named ${String(name)}`);
      return choice.create(params as never, context as never) as ReturnType<C["create"]>;
    },
  };
};
