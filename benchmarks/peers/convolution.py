#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""The convolutions of benchmarks/layers/convolution.cpp in PyTorch, in both memory layouts.

Prints GFLOP/s of the best call for the result, the gradient of the input and that of the kernel;
products with the zero margins are not counted. Runs with Debian's python3-torch.
"""

import argparse
import time

import torch
from torch.nn import functional


def inside(points, stride):
    """Products of a line of so many outputs with a kernel of 3 and a margin of 1 at both ends."""
    return sum(0 <= stride * p - 1 + t < stride * points for p in range(points) for t in range(3))


def plane(batch, n, channels_in, channels_out, stride=1):
    def make():
        x = torch.randn(batch, channels_in, n, n)
        w = torch.randn(channels_out, channels_in, 3, 3)
        return x, w, lambda v, k: functional.conv2d(v, k, stride=stride, padding=1)

    pairs = inside(n // stride, stride)
    return make, 2 * batch * pairs * pairs * channels_in * channels_out


def prolongation():
    def make():
        x, w = torch.randn(8, 24, 64, 64), torch.randn(24, 24, 4, 4)
        return x, w, lambda v, k: functional.conv_transpose2d(v, k, stride=2, padding=1)

    pairs = 4 * 64 - 2
    return make, 2 * 8 * pairs * pairs * 24 * 24


def volume():
    def make():
        x, w = torch.randn(1, 16, 48, 48, 48), torch.randn(16, 16, 3, 3, 3)
        return x, w, lambda v, k: functional.conv3d(v, k, padding=1)

    return make, 2 * inside(48, 1) ** 3 * 16 * 16


CASES = {
    "smoother": plane(8, 128, 24, 24),
    "from_scalar": plane(8, 128, 1, 24),
    "to_scalar": plane(8, 128, 24, 1),
    "restriction": plane(8, 128, 24, 24, 2),
    "prolongation": prolongation(),
    "coarse8": plane(8, 8, 24, 24),
    "coarse16": plane(8, 16, 24, 24),
    "wide": plane(4, 64, 64, 64),
    "narrow": plane(8, 128, 8, 8),
    "uneven": plane(8, 64, 20, 20),
    "volume": volume(),
}


def best(work, seconds):
    """Least time of a call, after a first one that is not counted."""
    work()
    end, least = time.perf_counter() + seconds, float("inf")
    while time.perf_counter() < end:
        start = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - start)
    return least


def measure(make, flops, channels_last, seconds):
    x, w, convolve = make()
    if channels_last:
        layout = torch.channels_last if x.dim() == 4 else torch.channels_last_3d
        x, w = x.to(memory_format=layout), w.to(memory_format=layout)
    with torch.no_grad():
        times = [best(lambda: convolve(x, w), seconds)]
    dy = torch.randn_like(convolve(x, w))
    for leaf in (x, w):
        leaf.requires_grad_(True)
        y = convolve(x, w)
        gradient = lambda: torch.autograd.grad(y, leaf, dy, retain_graph=True)
        times.append(best(gradient, seconds))
        leaf.requires_grad_(False)
    return [1e-9 * flops / t for t in times]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch")
    parser.add_argument("--seconds", type=float, default=0.5, help="time to spend on each measure")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    print(f"{'GFLOP/s':14}{'channels first':^30}{'channels last':^30}")
    print(f"{'':14}" + 2 * f"{'result':>10}{'input':>10}{'kernel':>10}")
    for name, (make, flops) in CASES.items():
        rates = [r for last in (False, True) for r in measure(make, flops, last, options.seconds)]
        print(f"{name:14}" + "".join(f"{r:10.1f}" for r in rates), flush=True)


if __name__ == "__main__":
    main()
