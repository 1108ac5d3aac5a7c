#!/usr/bin/env python3
"""Times decode and prefill steps of transformer layers on this machine's GPU, with PyTorch alone.

    python3 probe/gpu_probe.py --out h200.json

What it builds is one GPU's share of a dense decoder layer as serving engines run it: RMSNorm, one projection for query, key
and value, attention over a KV cache, output projection, gated feed-forward; several layers with weights of their own, so that no
cache holds them, replayed as one CUDA graph. It needs neither vLLM nor weights from anywhere: they are random. Attention is
PyTorch's scaled_dot_product_attention, not an engine's paged kernel: rows say so by `attention`, and `--no-attention` times
the rest alone. Messages between GPUs, sampling and the host's work per step are not in it.

Writes JSON: the machine, and one row per shape, precision, kind of step and batch, in microseconds per layer.
`npm run bench:probe -- FILE` sets the twin's step times beside them (docs/gpu-probe.md).
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

import torch
from torch.nn import functional

FORMAT = "servetwin-gpu-probe/1"
# Twice the largest cache of a GPU of today: layers are repeated until their weights are larger, so that each replay reads memory.
CACHE_BYTES = 256 * 2**20
FP8_LARGEST = 448.0  # of float8_e4m3fn
EPSILON = 1e-6


class Linear:
    """A projection, y = x W^T, with weights in 16 bits, or in 8 bits with one scale per tensor and activations quantised on the way."""

    def __init__(self, rows, columns, precision, dtype, device):
        weight = torch.randn(rows, columns, device=device, dtype=dtype) * columns**-0.5
        self.narrow = precision == "fp8"
        if self.narrow:
            self.scale = (weight.abs().max().float() / FP8_LARGEST).reshape(1)
            self.weight = (weight / self.scale).to(torch.float8_e4m3fn)
        else:
            self.weight = weight

    def bytes(self):
        return self.weight.numel() * self.weight.element_size()

    def __call__(self, x):
        if not self.narrow:
            return functional.linear(x, self.weight)
        scale = (x.abs().amax().float() / FP8_LARGEST).reshape(1)
        narrow = (x / scale).to(torch.float8_e4m3fn)
        return torch._scaled_mm(narrow, self.weight.t(), scale_a=scale, scale_b=self.scale, out_dtype=x.dtype)


class Layer:
    """One GPU's share of a decoder layer: heads and feed-forward are split over `tp` GPUs, the residual stream is whole."""

    def __init__(self, shape, tp, precision, dtype, device):
        hidden, head = shape["hidden"], shape["headDim"]
        self.head = head
        self.heads = shape["heads"] // tp
        self.kv_heads = max(1, shape["kvHeads"] // tp)
        wide = shape["intermediate"] // tp
        make = lambda rows, columns: Linear(rows, columns, precision, dtype, device)
        self.qkv = make((self.heads + 2 * self.kv_heads) * head, hidden)
        self.out = make(hidden, self.heads * head)
        self.gate_up = make(2 * wide, hidden)
        self.down = make(hidden, wide)
        self.norms = [torch.ones(hidden, device=device, dtype=dtype) for _ in range(2)]

    def bytes(self):
        return sum(linear.bytes() for linear in (self.qkv, self.out, self.gate_up, self.down))

    def step(self, x, cache):
        """x: tokens by hidden. cache: keys and values, requests by heads by context by head, for a decode; None for one prefill; "none": no attention."""
        normed = functional.rms_norm(x, x.shape[-1:], self.norms[0], EPSILON)
        q, k, v = self.qkv(normed).split([self.heads * self.head, self.kv_heads * self.head, self.kv_heads * self.head], -1)
        x = x + self.out(q if cache == "none" else self.attend(q, k, v, cache))
        gate, up = self.gate_up(functional.rms_norm(x, x.shape[-1:], self.norms[1], EPSILON)).chunk(2, -1)
        return x + self.down(functional.silu(gate) * up)

    def attend(self, q, k, v, cache):
        tokens = q.shape[0]
        if cache is None:  # one prompt: tokens by heads by head, each token sees those before it
            q, k, v = (t.view(tokens, -1, self.head).transpose(0, 1).unsqueeze(0) for t in (q, k, v))
            seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
            return seen.squeeze(0).transpose(0, 1).reshape(tokens, -1)
        keys, values = cache
        keys[:, :, -1] = k.view(tokens, self.kv_heads, self.head)
        values[:, :, -1] = v.view(tokens, self.kv_heads, self.head)
        q = q.view(tokens, self.heads, 1, self.head)
        return functional.scaled_dot_product_attention(q, keys, values, enable_gqa=True).reshape(tokens, -1)


def timed(run, device, repeats):
    """@returns microseconds of each of `repeats` calls of `run`, on a GPU as replays of one CUDA graph."""
    if device == "cpu":
        run()
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) * 1e6)
        return times
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    for _ in range(5):
        graph.replay()
    events = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(repeats)]
    for start, end in events:
        start.record()
        graph.replay()
        end.record()
    torch.cuda.synchronize()
    return [start.elapsed_time(end) * 1e3 for start, end in events]


def quantiles(values):
    tenths = statistics.quantiles(values, n=10, method="inclusive")
    return {"p10": round(tenths[0], 3), "p50": round(statistics.median(values), 3), "p90": round(tenths[8], 3)}


def machine(device):
    described = {"device": device, "torch": torch.__version__, "cuda": torch.version.cuda}
    if device == "cuda":
        gpu = torch.cuda.get_device_properties(0)
        described |= {"gpu": gpu.name, "memoryGiB": round(gpu.total_memory / 2**30, 1), "multiprocessors": gpu.multi_processor_count}
        described["capability"] = f"{gpu.major}.{gpu.minor}"
    return described


def integers(text):
    numbers = [int(part) for part in text.split(",")]
    if any(number < 1 for number in numbers):
        raise argparse.ArgumentTypeError(f"{text}: whole numbers of at least 1, separated by commas")
    return numbers


def cases(options):
    for requests in options.batches:
        for context in options.contexts:
            yield {"step": "decode", "requests": requests, "contextTokens": context}
    for tokens in options.prompts:
        yield {"step": "prefill", "requests": 1, "promptTokens": tokens}


def row(layers, shape, case, dtype, options):
    """One case's times; raises torch.OutOfMemoryError where it doesn't fit."""
    device = options.device
    tokens = case["requests"] if case["step"] == "decode" else case["promptTokens"]
    x = torch.randn(tokens, shape["hidden"], device=device, dtype=dtype)
    caches = [None] * len(layers)
    if options.no_attention:
        caches = ["none"] * len(layers)
    elif case["step"] == "decode":
        size = (tokens, layers[0].kv_heads, case["contextTokens"], layers[0].head)
        caches = [tuple(torch.randn(size, device=device, dtype=dtype) for _ in range(2)) for _ in layers]

    def run():
        y = x
        for layer, cache in zip(layers, caches):
            y = layer.step(y, cache)
        return y

    with torch.inference_mode():
        times = timed(run, device, options.repeats)
    return quantiles([one / len(layers) for one in times])


def main():
    options = arguments()
    dtype = torch.bfloat16
    shapes = json.loads(pathlib.Path(options.shapes).read_text())
    wanted = [shape for shape in shapes if not options.shape or shape["id"] in options.shape]
    if not wanted:
        sys.exit(f"none of {', '.join(options.shape)} is in {options.shapes}: it has {', '.join(shape['id'] for shape in shapes)}")
    for shape in wanted:
        for field, parts in (("heads", shape["heads"]), ("intermediate", shape["intermediate"])):
            if parts % options.tp:
                sys.exit(f"{shape['id']}: {field} {parts} can't be split over --tp {options.tp}")
    rows, left_out = [], []
    for shape in wanted:
        for precision in options.precisions:
            one = Layer(shape, options.tp, precision, dtype, options.device)
            count = options.layers or max(2, -(-CACHE_BYTES // one.bytes()))
            layers = [one, *(Layer(shape, options.tp, precision, dtype, options.device) for _ in range(count - 1))]
            for case in cases(options):
                said = {"model": shape["id"], "tp": options.tp, "precision": precision, **case}
                said["attention"] = "none" if options.no_attention else "torch-sdpa"
                try:
                    rows.append({**said, "layers": count, "microsPerLayer": row(layers, shape, case, dtype, options)})
                    print(f"{shape['id']} {precision} {case}: {rows[-1]['microsPerLayer']['p50']} us per layer", file=sys.stderr)
                except torch.OutOfMemoryError:
                    left_out.append({**said, "why": "out of memory"})
                    print(f"{shape['id']} {precision} {case}: doesn't fit, left out", file=sys.stderr)
                    torch.cuda.empty_cache()
            del layers, one
            if options.device == "cuda":
                torch.cuda.empty_cache()
    document = {"format": FORMAT, "machine": machine(options.device), "repeats": options.repeats, "rows": rows, "leftOut": left_out}
    pathlib.Path(options.out).write_text(json.dumps(document, indent=1) + "\n")
    print(f"{len(rows)} rows in {options.out}", file=sys.stderr)


def arguments():
    parser = argparse.ArgumentParser(description="Times decode and prefill steps of transformer layers with PyTorch alone.")
    parser.add_argument("--out", required=True, help="file to write, JSON")
    parser.add_argument("--shapes", default=str(pathlib.Path(__file__).with_name("shapes.json")), help="file of layer shapes")
    parser.add_argument("--shape", action="append", default=[], help="only the shape with this id; may be repeated")
    parser.add_argument("--tp", type=int, default=1, help="GPUs that a layer is split over; this one's share is timed")
    parser.add_argument("--precisions", type=lambda text: text.split(","), default=["bf16"], help="bf16, fp8 or both, separated by a comma")
    parser.add_argument("--batches", type=integers, default=[1, 8, 32, 64, 128, 256], help="requests of the decode steps")
    parser.add_argument("--contexts", type=integers, default=[256, 1024, 4096], help="tokens of context of each request")
    parser.add_argument("--prompts", type=integers, default=[128, 512, 2048, 8192], help="tokens of the prefill steps")
    parser.add_argument("--repeats", type=int, default=50, help="times each step is timed; at least 2")
    parser.add_argument("--layers", type=int, default=0, help="layers in a step; left out: until their weights exceed any cache")
    parser.add_argument("--no-attention", action="store_true", help="leave attention out: the matrix products alone")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="cpu: only to try the program")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("no GPU that PyTorch can use; --device cpu tries the program without one")
    for precision in options.precisions:
        if precision not in ("bf16", "fp8"):
            parser.error(f"--precisions {precision}: bf16 and fp8 are known")
    if "fp8" in options.precisions and (options.device == "cpu" or torch.cuda.get_device_capability() < (8, 9)):
        parser.error("--precisions fp8: needs a GPU of compute capability 8.9 or newer")
    if options.tp < 1 or options.repeats < 2 or options.layers < 0:
        parser.error("--tp must be at least 1, --repeats at least 2, --layers at least 0")
    return options


if __name__ == "__main__":
    main()
