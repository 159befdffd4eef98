# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""Puts the reports of `benchmarks/compare` together: one JSON file and one table.

usage: summarise.py FOLDER ROUNDS OUT.json OUT.md
"""

import json
import os
import statistics
import sys


def load(folder, name):
    with open(os.path.join(folder, name)) as file:
        return json.load(file)


def result(report, name):
    return next(r for r in report["results"] if r["name"] == name)


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


class Comparison:
    """One row: a measure of two programs in each round, and the ratio of the first to the second."""

    def __init__(self, text, bar, at_least, slow, fast, unit, processor=None):
        """`processor`: the same measure in processor time of both programs, where it means much."""
        self.text, self.bar, self.at_least, self.unit = text, bar, at_least, unit
        self.slow, self.fast = slow, fast
        self.ratios = [a / b for a, b in zip(slow, fast)]
        self.processor = processor and spread([a / b for a, b in zip(*processor)])

    def ratio(self):
        return statistics.median(self.ratios)

    def met(self):
        return self.ratio() >= self.bar if self.at_least else self.ratio() <= self.bar

    def to_json(self):
        return {
            "measure": self.text,
            "bar": self.bar,
            "met": self.met(),
            "unit": self.unit,
            "first": spread(self.slow),
            "second": spread(self.fast),
            "ratio": spread(self.ratios),
            "ratio_of_minima": min(self.slow) / min(self.fast),
            "ratio_of_processor_times": self.processor,
        }

    def to_row(self):
        first, second = statistics.median(self.slow), statistics.median(self.fast)
        sign = ">=" if self.at_least else "<="
        processor = f"{self.processor['median']:.2f}" if self.processor else ""
        digits = 1 if first >= 100 else 2
        return (
            f"| {self.text} | {sign} {self.bar:g} | **{self.ratio():.2f}** "
            f"({min(self.ratios):.2f} to {max(self.ratios):.2f}) "
            f"| {processor} "
            f"| {first:.{digits}f} : {second:.{digits}f} {self.unit} "
            f"| {'yes' if self.met() else 'no'} |"
        )


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    folder, rounds, json_path, table_path = sys.argv[1], int(sys.argv[2]), *sys.argv[3:]

    def reports(name):
        return [load(folder, f"{name}-{i}.json") for i in range(1, rounds + 1)]

    twin1, twin2, twin_infer = reports("twin-1"), reports("twin-2"), reports("twin-1-inference")
    nopal1, nopal2 = reports("nopal-1"), reports("nopal-2")
    nopal_infer = reports("nopal-1-inference")

    def milliseconds(list_of_reports, name, clock="median"):
        return [1e3 * result(r, name)["seconds"][clock] for r in list_of_reports]

    def processor(first, second, name):
        return milliseconds(first, name, "processor"), milliseconds(second, name, "processor")

    def mebibytes(list_of_reports, field):
        return [result(r, "step")["memory"][field] / 2**20 for r in list_of_reports]

    above, whole = "above_start_bytes", "high_water_bytes"
    rows = [
        Comparison("training step, 1 core: twin / nopal", 5, True,
                   milliseconds(twin1, "step"), milliseconds(nopal1, "step"), "ms",
                   processor(twin1, nopal1, "step")),
        Comparison("training step: nopal 1 rank / 2 ranks", 1.8, True,
                   milliseconds(nopal1, "step"), milliseconds(nopal2, "step"), "ms"),
        Comparison("training step, 2 cores: twin 2 threads / nopal 2 ranks", 5, True,
                   milliseconds(twin2, "step"), milliseconds(nopal2, "step"), "ms"),
        Comparison("inference, batch 1, 1 core: twin / nopal", 4, True,
                   milliseconds(twin_infer, "inference"),
                   milliseconds(nopal_infer, "inference"), "ms",
                   processor(twin_infer, nopal_infer, "inference")),
        Comparison("memory of the step above the idle process: nopal / twin", 0.5, False,
                   mebibytes(nopal1, above), mebibytes(twin1, above), "MiB"),
        Comparison("peak memory of the whole process: nopal / twin", 0.5, False,
                   mebibytes(nopal1, whole), mebibytes(twin1, whole), "MiB"),
    ]  # fmt: skip

    loads = []
    for i in range(1, rounds + 1):
        with open(os.path.join(folder, f"load-{i}")) as file:
            loads.append(float(file.read()))
    machine = load(folder, "machine.json")
    step = result(nopal1[-1], "step")
    inference = result(nopal_infer[-1], "inference")
    summary = {
        "benchmark": "compare",
        "environment": nopal1[0]["environment"],
        "twin": twin1[0]["environment"],
        "peaks": machine["peaks"],
        "options": nopal1[0]["options"],
        "parameters": {"nopal": nopal1[0]["parameters"], "twin": twin1[0]["parameters"]},
        "rounds": rounds,
        "load_average": loads,
        "rows": [row.to_json() for row in rows],
        "step": step,
        "inference": inference,
    }
    if summary["parameters"]["nopal"] != summary["parameters"]["twin"]:
        sys.exit(f"the networks differ: parameters {summary['parameters']}")
    with open(json_path, "w") as file:
        json.dump(summary, file, indent=2)
        file.write("\n")

    peaks, environment = machine["peaks"], summary["environment"]
    lines = [
        "| measure | bar | ratio, median (range) of rounds | of processor times | medians | met |",
        "| --- | --- | --- | --- | --- | --- |",
        *(row.to_row() for row in rows),
        "",
        f"{environment['cpu']}, {environment['compiler']}, {environment['build_type']}, Kokkos "
        f"{environment['kokkos']} {environment['execution_space']}, PyTorch "
        f"{summary['twin']['torch']}, commit {environment['commit']}, {environment['date'][:10]}; "
        f"{rounds} rounds, load average {min(loads):.1f} to {max(loads):.1f}. "
        f"One core: {1e-9 * peaks['sgemm_flops']:.0f} GFLOP/s in float products, "
        f"{1e-9 * peaks['copy_bytes']:.0f} GB/s copying (OpenBLAS {environment['blas_core']}). "
        f"The step does {1e-9 * step['flops']:.1f} GFLOP "
        f"({100 * step['share_of_gemm_peak']:.0f}% of that peak), inference "
        f"{1e-9 * inference['flops']:.2f} ({100 * inference['share_of_gemm_peak']:.0f}%).",
    ]
    with open(table_path, "w") as file:
        file.write("\n".join(lines) + "\n")
    print("\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
