#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""PyTorch twin of benchmarks/deeponet_step.cpp: all pairs of functions and points by one product,
the trunk evaluated once a step, which is the fastest way to write it."""

import peer
import torch


def network(widths, activate_last):
    layers = []
    for index, (fan_in, fan_out) in enumerate(zip(widths, widths[1:])):
        layers.append(torch.nn.Linear(fan_in, fan_out))
        if activate_last or index + 2 < len(widths):
            layers.append(torch.nn.LeakyReLU(0.01))
    return torch.nn.Sequential(*layers)


class DeepONet(torch.nn.Module):
    def __init__(self, o, points):
        super().__init__()
        self.branch = network([o.sensors, o.width, o.width, o.latent], False)
        self.trunk = network([2, o.width, o.width, o.width, o.latent], True)
        self.points = points

    def forward(self, u):
        return self.branch(u) @ self.trunk(self.points).T


def main():
    parser = peer.arguments(__doc__)
    for name, default in [
        ("sensors", 101),
        ("width", 128),
        ("latent", 100),
        ("points", 2295),
        ("batch", 100),
    ]:
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_default_device(options.device) if options.device != "cpu" else None
    resident = peer.memory("VmRSS")
    model = DeepONet(options, torch.randn(options.points, 2))
    u = torch.randn(options.batch, options.sensors)
    s = torch.randn(options.batch, options.points)
    peer.run(
        "deeponet",
        options,
        model,
        u,
        s,
        torch.nn.functional.mse_loss,
        torch.optim.Adam(model.parameters(), lr=1e-3),
        resident,
    )


if __name__ == "__main__":
    main()
