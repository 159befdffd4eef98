#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""The multigrid neural operator for Darcy flow in plain PyTorch: training step and inference.

The network of He, Liu, Xu, "MgNO: efficient parameterization of linear operators via multigrid":
layers gelu(W v + 1x1 convolution), W a backslash cycle with one smoothing step a level (two on the
coarsest) and its own 3x3 kernels everywhere, prolongation by 4x4 transposed convolutions, zeros
beyond the domain; 572,661 parameters at 24 channels, 4 layers and 6 levels. Runs with Debian's
python3-torch.
"""

import peer

import torch
from torch import nn
from torch.nn import functional


def kernel(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)


class Cycle(nn.Module):
    """u = W f: right-hand sides and first guesses go down, corrections come up."""

    def __init__(self, inputs, width, levels):
        super().__init__()
        self.first = kernel(inputs, width)
        steps = [0] + [1] * (levels - 2) + [2]
        self.a = nn.ModuleList(
            nn.ModuleList(kernel(width, inputs) for _ in range(n)) for n in steps
        )
        self.s = nn.ModuleList(
            nn.ModuleList(kernel(inputs, width) for _ in range(n)) for n in steps
        )
        transfers = range(levels - 1)
        self.r = nn.ModuleList(kernel(inputs, inputs, 2) for _ in transfers)
        self.pi = nn.ModuleList(kernel(width, width, 2) for _ in transfers)
        self.p = nn.ModuleList(
            nn.ConvTranspose2d(width, width, 4, stride=2, padding=1, bias=False) for _ in transfers
        )

    def forward(self, f):
        u = self.first(f)
        down = []
        for level, (a, s) in enumerate(zip(self.a, self.s)):
            if level > 0:
                f, u = self.r[level - 1](f), self.pi[level - 1](u)
            for a_step, s_step in zip(a, s):
                u = u + s_step(f - a_step(u))
            down.append(u)
        for level in reversed(range(len(self.p))):
            u = down[level] + self.p[level](u)
        return u


class MultigridOperator(nn.Module):
    """Maps (batch, inputs, n1, n2) to (batch, 1, n1, n2)."""

    def __init__(self, inputs, width, layers, levels):
        super().__init__()
        channels = [inputs] + [width] * (layers - 1)
        self.cycles = nn.ModuleList(Cycle(c, width, levels) for c in channels)
        self.local = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.head = nn.Conv2d(width, 1, 1, bias=False)

    def forward(self, v):
        for cycle, local in zip(self.cycles, self.local):
            v = functional.gelu(cycle(v) + local(v))
        return self.head(v)


def relative_l2(prediction, target):
    """Mean over the batch of |prediction - target| / |target|."""
    difference = (prediction - target).flatten(1).norm(dim=1)
    return (difference / target.flatten(1).norm(dim=1)).mean()


def main():
    parser = peer.arguments(__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=128, help="grid points in each direction")
    parser.add_argument("--width", type=int, default=24)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--levels", type=int, default=6)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument(
        "--channels-last", action="store_true", help="PyTorch's other memory layout"
    )
    options = parser.parse_args()
    resident = peer.memory("VmRSS")

    torch.set_num_threads(options.threads)
    if options.device != "cpu":
        torch.set_default_device(options.device)
    torch.manual_seed(0)
    model = MultigridOperator(1, options.width, options.layers, options.levels)
    x = torch.randn(options.batch, 1, options.n, options.n)
    y = torch.randn(options.batch, 1, options.n, options.n)
    if options.channels_last:
        model = model.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    peer.run("mgno2d", options, model, x, y, relative_l2, optimizer, resident)


if __name__ == "__main__":
    main()
