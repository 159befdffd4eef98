# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""What the PyTorch twins share: timing, peak memory and the JSON report.

The report has the form that the C++ benchmarks write, so that `benchmarks/compare` reads both.
"""

import argparse
import datetime
import json
import statistics
import time

import torch


def memory(field):
    """A field of /proc/self/status in bytes: VmRSS (resident now) or VmHWM (its high-water mark)."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field + ":"):
                return 1024 * int(line.split()[1])
    raise RuntimeError(f"/proc/self/status has no field {field}")


def cpu_model():
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown"


def torch_build():
    """The lines of PyTorch's build description that matter for speed."""
    wanted = ("MKL", "OpenMP", "CPU capability", "BLAS")
    lines = torch.__config__.show().splitlines()
    return "; ".join(line.strip(" -")[:60] for line in lines if any(w in line for w in wanted))


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--seconds", type=float, default=10, help="time to spend on each measure")
    parser.add_argument("--rounds", type=int, default=5, help="least number of timed calls")
    parser.add_argument(
        "--only", choices=["step", "inference"], help="measure one of both (for peak memory: step)"
    )
    parser.add_argument("--json", help="file to write the report to")
    return parser


def quartiles(samples):
    if len(samples) == 1:
        return samples[0], samples[0]
    low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
    return low, high


def measure(work, seconds, rounds, warm_up=2):
    """Times calls of `work` for `seconds`, at least `rounds` of them; dict of statistics."""
    synchronise = torch.cuda.synchronize if torch.empty(0).is_cuda else None
    for _ in range(warm_up):
        work()
    if synchronise:
        synchronise()
    samples, processor = [], []
    start = time.perf_counter()
    while len(samples) < rounds or time.perf_counter() - start < seconds:
        before, processor_before = time.perf_counter(), time.process_time()
        work()
        if synchronise:
            synchronise()
        samples.append(time.perf_counter() - before)
        processor.append(time.process_time() - processor_before)
    low, high = quartiles(samples)
    return {
        "median": statistics.median(samples),
        "min": min(samples),
        "quartile1": low,
        "quartile3": high,
        "count": len(samples),
        "processor": statistics.median(processor),
    }


def parameter_count(model):
    """Number of real numbers in the parameters: a complex entry counts as two."""
    return sum(p.numel() * (2 if p.is_complex() else 1) for p in model.parameters())


def run(name, options, model, x, y, loss, optimizer, resident_after_import):
    """Measures training step and inference of `model`, prints them and writes the report.

    `resident_after_import` is VmRSS with PyTorch loaded and nothing made yet. The peak of the step
    is only meaningful if nothing larger ran before, so it is taken before inference is measured.
    """

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss(model(x), y).backward()
        optimizer.step()

    results = []
    if options.only != "inference":
        seconds = measure(step, options.seconds, options.rounds)
        on_device = torch.empty(0).is_cuda
        peak = torch.cuda.max_memory_allocated() if on_device else memory("VmHWM")
        if on_device:
            resident_after_import = 0
        results.append(
            {
                "name": "step",
                "batch": x.shape[0],
                "seconds": seconds,
                "memory": {
                    "high_water_bytes": peak,
                    "above_start_bytes": peak - resident_after_import,
                },
            }
        )
        print(
            f"{name} step, batch {x.shape[0]}, {options.device}, {options.threads} threads: "
            f"median {1e3 * seconds['median']:.1f} ms, min {1e3 * seconds['min']:.1f} ms, "
            f"processor {1e3 * seconds['processor']:.1f} ms, "
            f"peak {peak / 2**20:.0f} MiB ({(peak - resident_after_import) / 2**20:.0f} above start)"
        )
    if options.only != "step":
        one = x[:1].contiguous()
        model.eval()
        with torch.inference_mode():
            seconds = measure(lambda: model(one), options.seconds, options.rounds)
        results.append({"name": "inference", "batch": 1, "seconds": seconds})
        print(
            f"{name} inference, batch 1, {options.threads} threads: "
            f"median {1e3 * seconds['median']:.2f} ms, min {1e3 * seconds['min']:.2f} ms, "
            f"processor {1e3 * seconds['processor']:.2f} ms"
        )

    report = {
        "benchmark": name,
        "environment": {
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "torch": torch.__version__,
            "torch_build": torch_build(),
            "onednn": torch.backends.mkldnn.is_available(),
            "threads": options.threads,
            "cpu": cpu_model(),
            "device": torch.cuda.get_device_name() if options.device == "cuda" else "cpu",
        },
        "parameters": parameter_count(model),
        "options": {k: v for k, v in vars(options).items() if k != "json"},
        "results": results,
    }
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=2)
            file.write("\n")
