#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""PyTorch twin of benchmarks/deeponet_derivatives.cpp: the residual by automatic differentiation,
function by function, or with zero coordinate shift (Leng, Shankar, Thiyagalingam, CMAME 2024)."""

import peer
import torch


def network(widths, activate_last):
    layers = []
    for index, (fan_in, fan_out) in enumerate(zip(widths, widths[1:])):
        layers.append(torch.nn.Linear(fan_in, fan_out))
        if activate_last or index + 2 < len(widths):
            layers.append(torch.nn.Tanh())
    return torch.nn.Sequential(*layers)


class Residual(torch.nn.Module):
    """s_t - D s_xx - k s^2 of all pairs (batch, points)."""

    def __init__(self, o):
        super().__init__()
        self.branch = network([o.sensors] + 3 * [o.width], False)
        self.trunk = network([2] + 3 * [o.width], True)
        self.points = torch.rand(o.points, 2)
        self.method = o.method

    def forward(self, u):
        return self.by_function(u) if self.method == "function" else self.by_shift(u)

    def by_function(self, u):
        y = self.points.clone().requires_grad_()
        s = self.branch(u) @ self.trunk(y).T
        rows = []
        for one in s:
            first = torch.autograd.grad(one.sum(), y, create_graph=True)[0]
            second = torch.autograd.grad(first[:, 0].sum(), y, create_graph=True)[0]
            rows.append(first[:, 1] - 0.01 * second[:, 0] - 0.01 * one * one)
        return torch.stack(rows)

    def by_shift(self, u):
        z = torch.zeros(2, requires_grad=True)
        s = self.branch(u) @ self.trunk(self.points + z).T
        a = torch.ones_like(s, requires_grad=True)
        first = torch.autograd.grad((a * s).sum(), z, create_graph=True)[0]
        second = torch.autograd.grad(first[0], z, create_graph=True)[0]
        s_t = torch.autograd.grad(first[1], a, create_graph=True)[0]
        s_xx = torch.autograd.grad(second[0], a, create_graph=True)[0]
        return s_t - 0.01 * s_xx - 0.01 * s * s


def main():
    parser = peer.arguments(__doc__)
    for name, default in [("sensors", 101), ("width", 128), ("points", 4000), ("batch", 50)]:
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--method", choices=["function", "shift"], default="function")
    parser.set_defaults(only="step", seconds=3, rounds=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_default_device(options.device) if options.device != "cpu" else None
    resident = peer.memory("VmRSS")
    model = Residual(options)
    u = torch.rand(options.batch, options.sensors)
    zero = torch.zeros(options.batch, options.points)
    peer.run(
        f"deeponet_derivatives {options.method}",
        options,
        model,
        u,
        zero,
        torch.nn.functional.mse_loss,
        torch.optim.SGD(model.parameters(), lr=0.0),
        resident,
    )


if __name__ == "__main__":
    main()
