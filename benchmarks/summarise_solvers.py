#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""Markdown table of the reports that benchmarks/solvers writes: iterations and seconds of each
preconditioner (set-up + solve), and nopal's best total relative to the best of the others.

Usage: summarise_solvers.py FILE.json ..."""
import json
import sys


def cell(row):
    if row is None:
        return ""
    if row["outcome"] != "converged":
        return row["outcome"].split(" after")[0].replace("DIVERGED_", "").lower()
    return f"{row['iterations']:.0f}: {row['set_up_seconds']:.2f} + {row['solve_seconds']:.2f}"


def main():
    reports = [json.load(open(path)) for path in sys.argv[1:]]
    methods = []
    for report in reports:
        for case in report["cases"]:
            for row in case["methods"]:
                if row["method"] not in methods:
                    methods.append(row["method"])
    print("| system | ranks | " + " | ".join(methods) + " | best nopal : best other |")
    print("| --- " * (len(methods) + 3) + "|")
    for report in reports:
        for case in report["cases"]:
            rows = {row["method"]: row for row in case["methods"]}
            done = {m: r["total_seconds"] for m, r in rows.items() if r["outcome"] == "converged"}
            ours = [t for m, t in done.items() if m.startswith("nopal")]
            others = [t for m, t in done.items() if not m.startswith("nopal")]
            ratio = f"{min(ours) / min(others):.2f}" if ours and others else ""
            d = 3 if case["name"].endswith("3d") else 2
            name = f"{case['name']}, {'x'.join([str(case['points'])] * d)}"
            if case["name"].startswith(("lognormal", "jumps")):
                name += f", contrast {case['contrast']:.0e}"
            if case["name"].startswith("anisotropic"):
                name += f", {case['anisotropy']:g}"
            if case["name"] == "helmholtz":
                name += f", {case['wavelengths']:g} wavelengths"
            if case["systems"] > 1:
                name += f", {case['systems']} systems"
            cells = [cell(rows.get(m)) for m in methods]
            print(f"| {name} | {report['ranks']} | " + " | ".join(cells) + f" | {ratio} |")


if __name__ == "__main__":
    main()
