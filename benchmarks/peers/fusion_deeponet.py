#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""PyTorch twin of benchmarks/fusion_deeponet.cpp: equal numbers of points for each shape, so that
all of them are one batch of matrix products, which is the fastest way to write it."""

import peer
import torch


class Network(torch.nn.Module):
    """Fully connected layers with adaptive activations; the last layer is linear."""

    def __init__(self, inputs, width, layers, outputs):
        super().__init__()
        widths = [inputs] + layers * [width] + [outputs]
        self.linear = torch.nn.ModuleList(
            torch.nn.Linear(i, o) for i, o in zip(widths, widths[1:])
        )
        self.numbers = torch.nn.Parameter(
            torch.tensor([[0.1, 0.1, 0.0, 0.1, 0.0]] * (layers + 1))
        )

    def layer(self, index, x):
        z = self.linear[index](x)
        a, c, a1, f1, c1 = self.numbers[index]
        return torch.tanh(10 * a * z + c) + 10 * a1 * torch.sin(10 * f1 * z + c1)


class FusionDeepONet(torch.nn.Module):
    def __init__(self, o, points):
        super().__init__()
        self.layers, self.latent = o.layers, o.width
        self.branch = Network(2, o.width, o.layers, 4 * o.width)
        self.trunk = Network(2, o.width, o.layers, o.width)
        self.points = points

    def forward(self, v):
        h, total, gates = v, 0, []
        for index in range(self.layers):
            h = self.branch.layer(index, h)
            total = total + h
            gates.append(total)
        coefficients = self.branch.linear[-1](h).view(-1, 4, self.latent)
        t = self.points
        for index in range(self.layers):
            t = self.trunk.layer(index, t) * gates[index][:, None, :]
        return self.trunk.linear[-1](t) @ coefficients.transpose(1, 2)


def main():
    parser = peer.arguments(__doc__)
    for name, default in [("shapes", 28), ("points", 1000), ("width", 64), ("layers", 3)]:
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_default_device(options.device) if options.device != "cpu" else None
    resident = peer.memory("VmRSS")
    model = FusionDeepONet(options, torch.randn(options.shapes, options.points, 2))
    peer.run(
        "fusion_deeponet",
        options,
        model,
        torch.randn(options.shapes, 2),
        torch.randn(options.shapes, options.points, 4),
        torch.nn.functional.mse_loss,
        torch.optim.Adam(model.parameters(), lr=1e-3),
        resident,
    )


if __name__ == "__main__":
    main()
