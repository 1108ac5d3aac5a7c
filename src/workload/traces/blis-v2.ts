import type { EncoderItem } from "../../model/request.ts";
import { type Columns, columnsOf, fieldsOf } from "../csv.ts";
import {
  type Broken,
  broken,
  type RowLabels,
  type RowReader,
  type SessionRow,
  shown,
  TOKENS_MAX,
} from "../trace-row.ts";

const REQUIRED = ["input_tokens", "output_tokens", "arrival_time_us"] as const;
const MEDIA_TOKENS = ["image_tokens", "audio_tokens", "video_tokens"] as const;
const OPTIONAL_TOKENS = ["server_input_tokens", "prefix_length", ...MEDIA_TOKENS] as const;
const OPTIONAL_TIMES = ["send_time_us", "think_time_us", "deadline_us"] as const;
const OTHER_NUMBERS = ["request_id", "round_index", "vllm_priority"] as const;
const NUMBERS = [...REQUIRED, ...OPTIONAL_TOKENS, ...OPTIONAL_TIMES, ...OTHER_NUMBERS];
const LABELS = ["client_id", "tenant_id", "slo_class", "model", "adapter"] as const;
const TEXTS = ["prefix_group", "session_id", ...LABELS] as const;
type NumberColumn = (typeof NUMBERS)[number];
type TextColumn = (typeof TEXTS)[number];

const TOKENS: readonly NumberColumn[] = ["input_tokens", "output_tokens", ...OPTIONAL_TOKENS];
const mostOf = (column: NumberColumn): number => (TOKENS.includes(column) ? TOKENS_MAX : Number.MAX_SAFE_INTEGER);

/**
 * BLIS TraceV2 (`inference-sim`, `sim/workload/tracev2.go` and `replay.go` @f90a1e3a), by column name, since releases and
 * runs differ in their columns; those of no use here are passed over. As BLIS's replay has it: `input_tokens` leaves out
 * the prefix that rows of one `prefix_group` share; a prompt that the server counted (`server_input_tokens`) goes by that
 * count where there is no prefix; a request comes when it was sent. `deadline_us` is on the clock of `arrival_time_us`.
 * A row without output makes one token: the engine's work is the same. Images, audio and video stand at the begin of a
 * prompt's own tokens, each kind as one item for the encoder, since the trace tells their tokens but not their number.
 */
export const blisV2 = (): BlisRows => new BlisRows();

export class BlisRows implements RowReader<SessionRow> {
  readonly quoted = true;
  #columns: Columns = { at: [], count: 0 };
  /** Where each wanted column stands. */
  readonly #numbers: { readonly name: NumberColumn; readonly at: number; readonly most: number }[] = [];
  readonly #texts = new Map<TextColumn, number>();
  /** Each text once: rows share them, and don't hold the blocks that they were read from. */
  readonly #known = new Map<string, string>();
  readonly #labels = new Map<string, RowLabels>();

  #thinkTimes = false;

  /** Whether the trace records how long clients thought between rounds; known from the header line on. */
  get thinkTimes(): boolean {
    return this.#thinkTimes;
  }

  header(line: string): string | undefined {
    const optional = [...NUMBERS, ...TEXTS].filter((name) => !(REQUIRED as readonly string[]).includes(name));
    const found = columnsOf(line, REQUIRED, optional);
    if (typeof found === "string") return found;
    this.#columns = found;
    this.#thinkTimes = found.at[[...REQUIRED, ...optional].indexOf("think_time_us")] !== undefined;
    for (const [i, name] of [...REQUIRED, ...optional].entries()) {
      const at = found.at[i];
      if (at === undefined) continue;
      if ((TEXTS as readonly string[]).includes(name)) this.#texts.set(name as TextColumn, at);
      else this.#numbers.push({ name: name as NumberColumn, at, most: mostOf(name as NumberColumn) });
    }
    return undefined;
  }

  row(line: string): SessionRow | Broken {
    const fields = fieldsOf(line);
    if (fields === undefined) return broken("a quoted field never ends; it must end with a quote");
    const { count } = this.#columns;
    if (fields.length !== count) return broken(`it has ${fields.length} fields; it must have ${count}`);
    const said: Partial<Record<NumberColumn, number>> = {};
    for (const { name, at, most } of this.#numbers) {
      const text = (fields[at] as string).trim();
      if (text === "" && !(REQUIRED as readonly string[]).includes(name)) continue;
      const value = digitsOf(text);
      if (!(value <= most)) return broken(`${name} is ${shown(text)}; it must be a whole number from 0 to ${most}`);
      said[name] = value;
    }
    return this.#rowOf(said as Numbers, fields);
  }

  #rowOf(said: Numbers, fields: readonly string[]): SessionRow | Broken {
    const { arrival_time_us: arrivalAt, deadline_us: deadline = 0 } = said;
    if (deadline > 0 && deadline < arrivalAt) {
      return broken(`deadline_us is ${deadline}, before arrival_time_us ${arrivalAt}; it must lie after it, or be 0`);
    }
    const prefixGroup = this.#text("prefix_group", fields);
    const counted = prefixGroup === undefined ? said.server_input_tokens || said.input_tokens : said.input_tokens;
    if (counted === 0 && (prefixGroup === undefined || !said.prefix_length)) {
      return broken("input_tokens is 0; a prompt without a prefix must have at least 1");
    }
    const media = MEDIA_TOKENS.reduce((sum, kind) => sum + (said[kind] ?? 0), 0);
    if (media > counted) {
      return broken(
        `image, audio and video have ${media} tokens, more than the prompt's ${counted}; they are part of it`,
      );
    }
    return {
      kind: "request",
      id: said.request_id,
      at: said.send_time_us || arrivalAt,
      arrivalAt,
      promptTokens: counted,
      outputTokens: Math.max(1, said.output_tokens),
      prefixGroup,
      prefixTokens: said.prefix_length ?? 0,
      session: this.#text("session_id", fields),
      round: said.round_index,
      thinkMicros: said.think_time_us,
      patienceMicros: deadline === 0 ? undefined : deadline - arrivalAt,
      encoderItems: media === 0 ? undefined : itemsOf(said),
      labels: this.#labelsOf(said.vllm_priority ?? 0, fields),
    };
  }

  #text(name: TextColumn, fields: readonly string[]): string | undefined {
    const text = fields[this.#texts.get(name) ?? -1]?.trim() ?? "";
    if (text === "") return undefined;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const copy = [...text].join("");
    this.#known.set(copy, copy);
    return copy;
  }

  #labelsOf(priority: number, fields: readonly string[]): RowLabels {
    let key = String(priority);
    for (const name of LABELS) key += `\u0000${fields[this.#texts.get(name) ?? -1] ?? ""}`;
    const known = this.#labels.get(key);
    if (known !== undefined) return known;
    const [client, tenant, sloClass, model, adapter] = LABELS.map((name) => this.#text(name, fields));
    const labels: RowLabels = {
      ...(client === undefined ? {} : { client }),
      ...(tenant === undefined ? {} : { tenant }),
      ...(sloClass === undefined ? {} : { sloClass }),
      ...(model === undefined ? {} : { model }),
      ...(adapter === undefined ? {} : { adapter }),
      ...(priority === 0 ? {} : { priority }),
    };
    this.#labels.set(key, labels);
    return labels;
  }
}

const itemsOf = (said: Numbers): readonly EncoderItem[] => {
  let offset = 0;
  return MEDIA_TOKENS.flatMap((kind) => {
    const tokens = said[kind] ?? 0;
    offset += tokens;
    return tokens === 0 ? [] : [{ offset: offset - tokens, tokens }];
  });
};

/** @returns the whole number written in at most 16 digits, or NaN */
const digitsOf = (text: string): number => {
  const { length } = text;
  if (length === 0 || length > 16) return Number.NaN;
  let value = 0;
  for (let i = 0; i < length; i += 1) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = 10 * value + digit;
  }
  return value;
};

type Numbers = Readonly<Record<(typeof REQUIRED)[number], number>> & {
  readonly [Name in Exclude<NumberColumn, (typeof REQUIRED)[number]>]?: number;
};
