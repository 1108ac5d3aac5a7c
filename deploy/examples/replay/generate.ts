import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { logNormal } from "../../../src/sim/draw.ts";
import { rngOf } from "../../../src/sim/rng.ts";

// Writes trace/agents.csv beside this file: `npx tsx deploy/examples/replay/generate.ts`. The same bytes each time.

const SEED = 20261125;
const MINUTES = 10;
const SESSIONS = 60;
const SINGLE = 90;
const SYSTEM_PROMPT = 1024;

const COLUMNS = [
  ..."request_id,client_id,tenant_id,slo_class,session_id,round_index,prefix_group,prefix_length,streaming".split(","),
  ..."input_tokens,output_tokens,text_tokens,image_tokens,audio_tokens,video_tokens,reason_ratio,model".split(","),
  ..."deadline_us,server_input_tokens,arrival_time_us,send_time_us,first_chunk_time_us,last_chunk_time_us".split(","),
  ..."num_chunks,status,error_message,finish_reason,think_time_us".split(","),
] as const;

type Row = Readonly<Record<string, string | number>>;

/** Ten minutes of made-up agents, in sessions of 3 to 6 rounds over one system prompt, and single requests with deadlines. */
const rows = (): Row[] => {
  const rng = rngOf(SEED).stream("replay");
  const tokens = (mean: number): number => Math.max(1, Math.round(logNormal(rng, Math.log(mean), 0.6)));
  const time = (): number => rng.below(MINUTES * 60e6);
  const agents = Array.from({ length: SESSIONS }, (_, session): Row[] => {
    const arrival = time();
    return Array.from({ length: 3 + rng.below(4) }, (_, round) => ({
      client_id: "agent",
      tenant_id: `tenant-${session % 3}`,
      slo_class: "standard",
      session_id: `agent-${session}`,
      round_index: round,
      prefix_group: "tools",
      prefix_length: SYSTEM_PROMPT,
      input_tokens: tokens(300),
      output_tokens: tokens(150),
      arrival_time_us: arrival,
      think_time_us: round === 0 ? 0 : Math.round(logNormal(rng, Math.log(4e6), 0.8)),
    }));
  });
  const single = Array.from({ length: SINGLE }, (): Row => {
    const arrival = time();
    const deadline = arrival + 60_000_000;
    return {
      client_id: "search",
      slo_class: "critical",
      input_tokens: tokens(800),
      output_tokens: tokens(60),
      arrival_time_us: arrival,
      deadline_us: deadline,
    };
  });
  const at = (row: Row): number => Number(row.arrival_time_us);
  return [...agents.flat(), ...single].sort((a, b) => at(a) - at(b));
};

const DEFAULTS: Row = { streaming: "true", status: "incomplete", reason_ratio: 0 };
const TEXTS = [
  "client_id",
  "tenant_id",
  "slo_class",
  "session_id",
  "prefix_group",
  "model",
  "error_message",
  "finish_reason",
];

/** @returns the rows of the trace as BLIS writes them */
export const agentTrace = (): string => {
  const written = rows().map((row, id) => {
    const whole: Row = { ...DEFAULTS, ...row, request_id: id, send_time_us: row.arrival_time_us ?? 0 };
    return COLUMNS.map((column) => whole[column] ?? (TEXTS.includes(column) ? "" : 0)).join(",");
  });
  return `${[COLUMNS.join(","), ...written].join("\n")}\n`;
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(fileURLToPath(new URL("trace/agents.csv", import.meta.url)), agentTrace());
}
