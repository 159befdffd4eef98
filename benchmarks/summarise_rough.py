# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""Puts the runs of `benchmarks/darcy_rough` in the working folder together: JSON and a table.

usage: summarise_rough.py OUT.json RANKS EPOCHS NAME...

NAME.csv is a learning curve, NAME.safetensors the model, if the run has ended. Errors are those of
the epoch with the smallest validation error.
"""

import csv
import datetime
import json
import math
import os
import statistics
import struct
import sys


def parameters(path):
    """Numbers in the model that are trained, and the version that wrote it."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    metadata = header.pop("__metadata__")
    count = sum(
        math.prod(tensor["shape"])
        for name, tensor in header.items()
        if not name.startswith("normaliser.")
    )
    return count, metadata["nopal_commit"]


def summarise(name, epochs):
    with open(f"{name}.csv") as file:
        rows = [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]
    best = min(rows, key=lambda row: row["validation_l2"])
    ends = [row["seconds"] for row in rows]
    seconds = [b - a for a, b in zip(ends, ends[1:])] or ends
    run = {
        "name": name,
        "epochs_done": len(rows),
        "best_epoch": int(best["epoch"]),
        "errors": {k: v for k, v in best.items() if k.endswith(("_l2", "_h1"))},
        "epoch_seconds": {
            "median": statistics.median(seconds),
            "min": min(seconds),
            "max": max(seconds),
        },
        "projected_hours": epochs * statistics.median(seconds) / 3600,
    }
    if os.path.exists(f"{name}.safetensors"):
        run["parameters"], run["commit"] = parameters(f"{name}.safetensors")
    return run


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    epochs = int(sys.argv[3])
    runs = [summarise(name, epochs) for name in sys.argv[4:]]
    with open(sys.argv[1], "w") as file:
        json.dump(
            {
                "benchmark": "darcy_rough",
                "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "ranks": int(sys.argv[2]),
                "epochs": epochs,
                "runs": runs,
            },
            file,
            indent=2,
        )
        file.write("\n")
    sets = [k for k in runs[0]["errors"] if k.endswith("_l2")]
    print("\n| run | parameters | epochs | " + " | ".join(sets) + " | s an epoch | all epochs, h |")
    print("| --- " * (5 + len(sets)) + "|")
    for run in runs:
        print(
            f"| {run['name']} | {run.get('parameters', '')} | {run['epochs_done']} of {epochs} | "
            + " | ".join(f"{run['errors'][k]:.4f}" for k in sets)
            + f" | {run['epoch_seconds']['median']:.1f} | {run['projected_hours']:.2f} |"
        )


if __name__ == "__main__":
    main()
