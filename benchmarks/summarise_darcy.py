# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""Puts the runs of `benchmarks/darcy_small` together: one JSON file and one table.

usage: summarise_darcy.py FOLDER SEEDS RANKS OUT.json [CHANGES OF THE RECIPE...]
"""

import csv
import datetime
import json
import os
import statistics
import sys

# The bars, and what neuraloperator 2.0.0 reached on a machine of this kind (2 threads, 3 seeds).
BARS = {"16 x 16": 0.085, "32 x 32": 0.120}
PEER = {"16 x 16": 0.0896, "32 x 32": 0.1244}
PEER_EPOCH_SECONDS = 7.9
SAMPLES = 1000


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    folder, seeds, ranks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    errors = {grid: [] for grid in BARS}
    epochs, training = [], []
    for seed in range(seeds):
        with open(os.path.join(folder, f"errors_{seed}.json")) as file:
            report = json.load(file)
        for entry in report["results"]:
            errors[entry["grid"]].append(entry["rows"][0]["relative_l2"]["mean"])
        # Seconds since the start, evaluation of both test sets included; the first epoch also
        # sets things up, so epochs are differences between rows.
        with open(os.path.join(folder, f"history_{seed}.csv")) as file:
            rows = list(csv.DictReader(file))
        ends = [float(row["seconds"]) for row in rows]
        training += [SAMPLES / float(row["samples_per_second"]) for row in rows[1:]]
        epochs += [b - a for a, b in zip(ends, ends[1:])]

    epoch = statistics.median(epochs)
    summary = {
        "benchmark": "darcy_small",
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": report["nopal_commit"],
        "build": report["build"],
        "ranks": ranks,
        "parameters": report["parameters"],
        "changes": sys.argv[5:],
        "relative_l2": errors,
        "epoch_seconds": {"median": epoch, "min": min(epochs), "max": max(epochs)},
        "training_seconds": {
            "median": statistics.median(training),
            "min": min(training),
            "max": max(training),
        },
    }
    with open(sys.argv[4], "w") as file:
        json.dump(summary, file, indent=2)
        file.write("\n")

    print(f"\n{report['parameters']} parameters, {seeds} seeds, {ranks} ranks\n")
    print("| relative L2 | bar | mean | deviation | each seed | neuraloperator 2.0.0 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for grid, values in errors.items():
        deviation = statistics.stdev(values) if seeds > 1 else 0
        each = ", ".join(f"{v:.4f}" for v in values)
        print(
            f"| {grid} | {BARS[grid]:.3f} | **{statistics.mean(values):.4f}** "
            f"| {deviation:.4f} | {each} | {PEER[grid]:.4f} |"
        )
    for name, seconds in (
        ("epoch, training alone", training),
        ("epoch, both test sets evaluated", epochs),
    ):
        median = statistics.median(seconds)
        print(
            f"\n{name}: {median:.3f} s (median; {min(seconds):.3f} to {max(seconds):.3f}), "
            f"{PEER_EPOCH_SECONDS / median:.1f} times faster than {PEER_EPOCH_SECONDS} s"
        )


if __name__ == "__main__":
    main()
