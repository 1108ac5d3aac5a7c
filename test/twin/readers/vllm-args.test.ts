import { describe, expect, it } from "vitest";
import { humanWhole } from "../../../src/twin/readers/flags/flag-parser.ts";
import { FLAGS, SHORT } from "../../../src/twin/readers/vllm/vllm-flags.ts";
import { argumentsOf, type Container, valueOf } from "./container.ts";

const IMAGE = "vllm/vllm-openai:v0.22.0";
const serve = (...args: string[]): Container => ({ command: ["vllm", "serve", "some/model"], args });
const script = (text: string, more: Container = {}): Container => ({
  command: ["/bin/bash", "-c"],
  args: [text],
  ...more,
});
const env = (values: Record<string, string>) => Object.entries(values).map(([name, value]) => ({ name, value }));

interface Row {
  readonly name: string;
  readonly container: Container;
  readonly flag: string;
  readonly value: unknown;
  readonly field: string;
}

const SPELLINGS: readonly Row[] = [
  // one word, two words, dashes and underscores
  { name: "--flag=value", container: serve("--max-num-seqs=64"), flag: "max-num-seqs", value: 64, field: "c.args[0]" },
  {
    name: "--flag value",
    container: serve("--max-num-seqs", "64"),
    flag: "max-num-seqs",
    value: 64,
    field: "c.args[1]",
  },
  { name: "underscores", container: serve("--max_num_seqs=64"), flag: "max-num-seqs", value: 64, field: "c.args[0]" },
  { name: "mixed", container: serve("--max_num-seqs", "64"), flag: "max-num-seqs", value: 64, field: "c.args[1]" },
  { name: "-tp 2", container: serve("-tp", "2"), flag: "tensor-parallel-size", value: 2, field: "c.args[1]" },
  { name: "-tp=2", container: serve("-tp=2"), flag: "tensor-parallel-size", value: 2, field: "c.args[0]" },
  { name: "-q fp8", container: serve("-q", "fp8"), flag: "quantization", value: "fp8", field: "c.args[1]" },
  { name: "-ep", container: serve("-ep"), flag: "enable-expert-parallel", value: true, field: "c.args[0]" },
  { name: "-O3", container: serve("-O3"), flag: "optimization-level", value: "3", field: "c.args[0]" },
  {
    name: "a unique beginning",
    container: serve("--max-num-se=9"),
    flag: "max-num-seqs",
    value: 9,
    field: "c.args[0]",
  },
  // switches
  {
    name: "--x",
    container: serve("--enable-prefix-caching"),
    flag: "enable-prefix-caching",
    value: true,
    field: "c.args[0]",
  },
  {
    name: "--no-x",
    container: serve("--no-enable-prefix-caching"),
    flag: "enable-prefix-caching",
    value: false,
    field: "c.args[0]",
  },
  {
    name: "--no_x",
    container: serve("--no_enable_prefix_caching"),
    flag: "enable-prefix-caching",
    value: false,
    field: "c.args[0]",
  },
  {
    name: "--x=false",
    container: serve("--enable-chunked-prefill=False"),
    flag: "enable-chunked-prefill",
    value: false,
    field: "c.args[0]",
  },
  {
    name: "--x false",
    container: serve("--enable-chunked-prefill", "false"),
    flag: "enable-chunked-prefill",
    value: false,
    field: "c.args[1]",
  },
  {
    name: "a switch does not eat the next flag",
    container: serve("--enforce-eager", "--block-size=32"),
    flag: "block-size",
    value: 32,
    field: "c.args[1]",
  },
  // the last one wins
  {
    name: "twice",
    container: serve("--block-size=16", "--block-size", "32"),
    flag: "block-size",
    value: 32,
    field: "c.args[2]",
  },
  {
    name: "on, then off",
    container: serve("--async-scheduling", "--no-async-scheduling"),
    flag: "async-scheduling",
    value: false,
    field: "c.args[1]",
  },
  {
    name: "short after long",
    container: serve("--tensor-parallel-size=4", "-tp", "2"),
    flag: "tensor-parallel-size",
    value: 2,
    field: "c.args[2]",
  },
  // numbers as people write them
  { name: "1k", container: serve("--max-model-len=1k"), flag: "max-model-len", value: 1000, field: "c.args[0]" },
  { name: "1K", container: serve("--max-model-len=1K"), flag: "max-model-len", value: 1024, field: "c.args[0]" },
  {
    name: "25.6k",
    container: serve("--max-model-len", "25.6k"),
    flag: "max-model-len",
    value: 25_600,
    field: "c.args[1]",
  },
  {
    name: "2M",
    container: serve("--max-model-len", "2M"),
    flag: "max-model-len",
    value: 2_097_152,
    field: "c.args[1]",
  },
  { name: "auto", container: serve("--max-model-len=auto"), flag: "max-model-len", value: "auto", field: "c.args[0]" },
  { name: "-1", container: serve("--max-model-len", "-1"), flag: "max-model-len", value: "auto", field: "c.args[1]" },
  {
    name: "a fraction",
    container: serve("--gpu-memory-utilization", ".85"),
    flag: "gpu-memory-utilization",
    value: 0.85,
    field: "c.args[1]",
  },
  // several values, JSON values
  {
    name: "two names",
    container: serve("--served-model-name", "a", "b", "--port=1"),
    flag: "served-model-name",
    value: "a",
    field: "c.args[1]",
  },
  {
    name: "JSON",
    container: serve("--speculative-config", '{"method":"ngram"}'),
    flag: "speculative-config",
    value: '{"method":"ngram"}',
    field: "c.args[1]",
  },
  {
    name: "a dotted path",
    container: serve("--compilation-config.level", "3"),
    flag: "compilation-config",
    value: '{"level":3}',
    field: "c.args[1]",
  },
  {
    name: "dotted paths beside an object",
    container: serve("-sc", '{"method": "eagle3"}', "-sc.num_speculative_tokens=3", "--spec-config.a.b", "x"),
    flag: "speculative-config",
    value: '{"method":"eagle3","num_speculative_tokens":3,"a":{"b":"x"}}',
    field: "c.args[4]",
  },
  // how the server is started
  {
    name: "vllm serve MODEL",
    container: { command: ["vllm", "serve", "a/b"] },
    flag: "model",
    value: "a/b",
    field: "c.command[2]",
  },
  {
    name: "MODEL in args",
    container: { command: ["vllm", "serve"], args: ["a/b"] },
    flag: "model",
    value: "a/b",
    field: "c.args[0]",
  },
  {
    name: "MODEL after flags",
    container: { args: ["vllm", "serve", "--port", "80", "a/b"] },
    flag: "model",
    value: "a/b",
    field: "c.args[4]",
  },
  {
    name: "an absolute path of vllm",
    container: { command: ["/opt/venv/bin/vllm", "serve", "a/b"] },
    flag: "model",
    value: "a/b",
    field: "c.command[2]",
  },
  {
    name: "--model after serve",
    container: { command: ["vllm", "serve", "--model", "a/b"] },
    flag: "model",
    value: "a/b",
    field: "c.command[3]",
  },
  {
    name: "python -m",
    container: { command: ["python3", "-m", "vllm.entrypoints.openai.api_server"], args: ["--model=a/b"] },
    flag: "model",
    value: "a/b",
    field: "c.args[0]",
  },
  {
    name: "the image's own entrypoint",
    container: { image: IMAGE, args: ["--model", "a/b"] },
    flag: "model",
    value: "a/b",
    field: "c.args[1]",
  },
  {
    name: "a mirror of the image",
    container: { image: "r.example/x/vllm-openai:latest", args: ["--model", "a/b"] },
    flag: "model",
    value: "a/b",
    field: "c.args[1]",
  },
  // shells
  {
    name: "bash -c",
    container: script("vllm serve a/b --max-num-seqs 7"),
    flag: "max-num-seqs",
    value: 7,
    field: "c.args[0]",
  },
  {
    name: "sh -lc in one list",
    container: { command: ["sh", "-lc", "exec vllm serve a/b -tp 2"] },
    flag: "tensor-parallel-size",
    value: 2,
    field: "c.command[2]",
  },
  {
    name: "bash -o pipefail -euxc",
    container: { command: ["bash", "-o", "pipefail", "-euxc"], args: ["vllm serve a/b -tp 2"] },
    flag: "tensor-parallel-size",
    value: 2,
    field: "c.args[0]",
  },
  {
    name: "continued lines",
    container: script("vllm serve a/b \\\n  --max-num-seqs \\\n  7 \\\n  --port 80\n"),
    flag: "max-num-seqs",
    value: 7,
    field: "c.args[0]",
  },
  {
    name: "folded YAML",
    container: script("set -e; ulimit -n 65536 && vllm serve a/b\n --max-num-seqs 7"),
    flag: "model",
    value: "a/b",
    field: "c.args[0]",
  },
  {
    name: "up to &&",
    container: script("sleep 1 && vllm serve a/b -tp 2 && echo --block-size 8"),
    flag: "tensor-parallel-size",
    value: 2,
    field: "c.args[0]",
  },
  {
    name: "up to |",
    container: script("vllm serve a/b -tp 2 2>&1 | tee /tmp/log -tp 4"),
    flag: "tensor-parallel-size",
    value: 2,
    field: "c.args[0]",
  },
  {
    name: "a comment",
    container: script("# vllm serve x/y\nvllm serve a/b # -tp 8"),
    flag: "model",
    value: "a/b",
    field: "c.args[0]",
  },
  {
    name: "single quotes",
    container: script(`vllm serve a/b --hf-overrides '{"a": "b c"}' -tp 2`),
    flag: "hf-overrides",
    value: '{"a": "b c"}',
    field: "c.args[0]",
  },
  {
    name: "double quotes",
    container: script(`vllm serve a/b --hf-overrides "{\\"a\\": 1}"`),
    flag: "hf-overrides",
    value: '{"a": 1}',
    field: "c.args[0]",
  },
  {
    name: "python in a script",
    container: script("cd /app; python -m vllm.entrypoints.openai.api_server --model a/b"),
    flag: "model",
    value: "a/b",
    field: "c.args[0]",
  },
  {
    name: "a shell in a shell",
    container: script(`sh -c "vllm serve a/b -tp 2"`),
    flag: "tensor-parallel-size",
    value: 2,
    field: "c.args[0]",
  },
  {
    name: "eval",
    container: script('eval "vllm serve a/b ${MORE} -tp 2"', { env: env({ MORE: "--block-size 8" }) }),
    flag: "block-size",
    value: 8,
    field: "c.env[0].value",
  },
  {
    name: "$@",
    container: { command: ["bash", "-c", 'vllm serve a/b "$@"', "--"], args: ["--max-num-seqs", "7"] },
    flag: "max-num-seqs",
    value: 7,
    field: "c.args[1]",
  },
  // variables
  {
    name: "$(NAME) in args",
    container: { ...serve("--max-num-seqs=$(N)"), env: env({ N: "7" }) },
    flag: "max-num-seqs",
    value: 7,
    field: "c.env[0].value",
  },
  {
    name: "$(NAME) as a word",
    container: { ...serve("--max-num-seqs", "$(N)"), env: env({ N: "7" }) },
    flag: "max-num-seqs",
    value: 7,
    field: "c.env[0].value",
  },
  {
    name: "$(NAME) of another",
    container: { ...serve("--max-num-seqs=$(N)"), env: env({ M: "7", N: "$(M)" }) },
    flag: "max-num-seqs",
    value: 7,
    field: "c.env[0].value",
  },
  {
    name: "$NAME in a script",
    container: script("vllm serve a/b --max-num-seqs $N", { env: env({ N: "7" }) }),
    flag: "max-num-seqs",
    value: 7,
    field: "c.env[0].value",
  },
  {
    name: "${NAME} in a script",
    container: script("vllm serve a/b --max-num-seqs=${N}", { env: env({ N: "7" }) }),
    flag: "max-num-seqs",
    value: 7,
    field: "c.env[0].value",
  },
  {
    name: "${NAME:-x}, set",
    container: script("vllm serve a/b --max-num-seqs ${N:-9}", { env: env({ N: "7" }) }),
    flag: "max-num-seqs",
    value: 7,
    field: "c.env[0].value",
  },
  {
    name: "${NAME:-x}, not set",
    container: script("vllm serve a/b --max-num-seqs ${N:-9}"),
    flag: "max-num-seqs",
    value: 9,
    field: "c.args[0]",
  },
  {
    name: "${NAME:-several words}",
    container: script("vllm serve a/b ${N:---max-num-seqs 9}"),
    flag: "max-num-seqs",
    value: 9,
    field: "c.args[0]",
  },
  {
    name: "set in the script",
    container: script("N=7\nexport M=$N\nvllm serve a/b --max-num-seqs $M"),
    flag: "max-num-seqs",
    value: 7,
    field: "c.args[0]",
  },
  {
    name: "the model from env",
    container: script('vllm serve "$MODEL"', { env: env({ MODEL: "a/b" }) }),
    flag: "model",
    value: "a/b",
    field: "c.env[0].value",
  },
  {
    name: "VLLM_ADDITIONAL_ARGS",
    container: script("vllm serve a/b ${VLLM_ADDITIONAL_ARGS} --port 80", {
      env: env({ VLLM_ADDITIONAL_ARGS: "--max-num-seqs 7 --block-size=8" }),
    }),
    flag: "block-size",
    value: 8,
    field: "c.env[0].value",
  },
];

describe("every spelling", () => {
  it.each(SPELLINGS)("$name", ({ container, flag, value, field }) => {
    const said = argumentsOf(container);
    expect(said?.problems.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(valueOf(said, flag)).toEqual({ value, field });
  });

  it("leaves a flag that nobody gave undefined", () => {
    const said = argumentsOf(serve());
    for (const { name } of FLAGS.filter(({ name }) => name !== "model")) expect(valueOf(said, name)).toBeUndefined();
  });
});

describe("problems", () => {
  const problemsOf = (container: Container) =>
    argumentsOf(container)?.problems.map(({ severity, reason, field, message, fix }) => ({
      severity,
      reason,
      field,
      message,
      fix,
    }));

  it.each([
    {
      name: "an unknown flag near a known one",
      container: serve("--max-num-seq5=9"),
      problem: {
        severity: "warning",
        reason: "UnknownFlag",
        field: "c.args[0]",
        message:
          "--max-num-seq5 is no flag of vllm serve that is known here, and is passed over; did you mean --max-num-seqs?",
      },
    },
    {
      name: "a flag that is not modelled",
      container: serve("--cpu-offload-gb=4"),
      problem: {
        severity: "warning",
        reason: "NotModelled",
        field: "c.args[0]",
        message: "--cpu-offload-gb changes performance and is not modelled yet; it is simulated as at its default",
      },
    },
    {
      name: "a flag without which it is another system",
      container: serve("--disable-log-stats"),
      problem: {
        severity: "warning",
        reason: "NotModelled",
        field: "c.args[0]",
        message:
          "--disable-log-stats: the real server exports no metrics with it, so an autoscaler sees none; the simulated one exports them",
      },
    },
    {
      name: "no object",
      container: serve("--speculative-config", "eagle"),
      problem: {
        severity: "error",
        reason: "BadArgument",
        field: "c.args[1]",
        message: "--speculative-config can't be eagle",
        fix: "give a JSON object",
      },
    },
    {
      name: "no whole number",
      container: serve("--max-num-seqs", "many"),
      problem: {
        severity: "error",
        reason: "BadArgument",
        field: "c.args[1]",
        message: "--max-num-seqs can't be many",
        fix: "give a whole number such as 4096, 4k or 4K",
      },
    },
    {
      name: "a variable that nothing expands",
      container: { ...serve("--max-num-seqs=$N"), env: env({ N: "7" }) },
      problem: {
        severity: "error",
        reason: "BadArgument",
        field: "c.args[0]",
        message: "--max-num-seqs can't be $N; nothing but a shell expands it, write $(NAME)",
        fix: "give a whole number such as 4096, 4k or 4K",
      },
    },
    {
      name: "no value",
      container: serve("--max-num-seqs", "--port=80"),
      problem: {
        severity: "error",
        reason: "BadArgument",
        field: "c.args[0]",
        message: "--max-num-seqs needs a value",
        fix: "give one, as in --max-num-seqs=...",
      },
    },
    {
      name: "a value that comes from a Secret",
      container: {
        ...serve("--max-num-seqs=$(N)"),
        env: [{ name: "N", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }],
      },
      problem: {
        severity: "warning",
        reason: "UnresolvedVariable",
        field: "c.args[0]",
        message: "--max-num-seqs uses N, whose value nothing here tells; its default is assumed",
        fix: "give the value in the container's env, or as it is",
      },
    },
    {
      name: "a command substitution",
      container: script("vllm serve a/b -tp $(nvidia-smi -L | wc -l)"),
      problem: {
        severity: "warning",
        reason: "UnresolvedVariable",
        field: "c.args[0]",
        message: "-tp uses $(nvidia-smi -L | wc -l), whose value nothing here tells; its default is assumed",
        fix: "give the value in the container's env, or as it is",
      },
    },
    {
      name: "an unknown variable among the words",
      container: script("vllm serve a/b $MORE"),
      problem: {
        severity: "warning",
        reason: "UnresolvedVariable",
        field: "c.args[0]",
        message: "$MORE can't be read: nothing here tells its value; what it adds is not simulated",
        fix: "give its value in the container's env",
      },
    },
    {
      name: "two launches in one script",
      container: script("if $A; then vllm serve a/b; else vllm serve c/d; fi"),
      problem: {
        severity: "warning",
        reason: "Ambiguous",
        field: "c.args[0]",
        message: "its script starts the server in 2 places; the first is taken",
      },
    },
    {
      name: "a switch with a value",
      container: serve("--enforce-eager=maybe"),
      problem: {
        severity: "error",
        reason: "BadArgument",
        field: "c.args[0]",
        message: "--enforce-eager is a switch and can't be maybe",
        fix: "write --enforce-eager or --no-enforce-eager",
      },
    },
  ])("$name", ({ container, problem }) => expect(problemsOf(container)).toEqual([{ fix: undefined, ...problem }]));

  it("are none for harmless flags, whatever their number", () => {
    const args = FLAGS.filter(({ role, takes }) => role === "harmless" && takes === "switch").map(
      ({ name }) => `--${name}`,
    );
    expect(problemsOf(serve(...args))).toEqual([]);
  });

  it("name each flag that changes performance and is not modelled", () => {
    for (const { name, takes } of FLAGS.filter(({ role }) => role.startsWith("ignored"))) {
      const problems = problemsOf(serve(takes === "switch" ? `--${name}` : `--${name}=1`));
      expect(problems, name).toHaveLength(1);
      expect(problems?.[0]).toMatchObject({ severity: "warning", reason: "NotModelled" });
      expect(problems?.[0]?.message).toContain(`--${name}`);
    }
  });
});

describe("what is no vLLM", () => {
  it.each([
    { name: "another program", container: { command: ["nginx", "-g", "daemon off;"] } },
    { name: "a script that starts something else", container: script("echo vllm; python -m http.server") },
    { name: "vLLM's image with another command", container: { image: IMAGE, command: ["sleep", "infinity"] } },
    { name: "another image with flags only", container: { image: "lmsysorg/sglang", args: ["--model", "a/b"] } },
    { name: "vllm bench", container: { command: ["vllm", "bench", "serve"] } },
  ])("$name", ({ container }) => expect(argumentsOf(container)).toBeUndefined());
});

describe("the table of flags", () => {
  it("has each flag once, and short names of flags only", () => {
    const names = FLAGS.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    expect(Object.values(SHORT).filter((name) => !names.includes(name))).toEqual([]);
  });
});

it.each([
  ["4096", 4096],
  ["4_096", 4096],
  [" 12 ", 12],
  ["1k", 1000],
  ["1K", 1024],
  ["2m", 2_000_000],
  ["2M", 2_097_152],
  ["1g", 1e9],
  ["1G", 1_073_741_824],
  ["25.6k", 25_600],
  ["1.5K", undefined],
  ["-3", undefined],
  ["0x10", undefined],
  ["1e3", undefined],
  ["", undefined],
])("humanWhole(%j) is %j", (text, value) => expect(humanWhole(text)).toBe(value));
