#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""The direction network of the deep conjugate direction method in plain PyTorch.

The network for 64^3 points of Kaneda et al., ICML 2023: 97,457 parameters, 16 filters of 3x3x3
points, zeros beyond the domain, residual blocks x + relu(c(relu(c(x)))), one level of averaging and
nearest upsampling. Inference of one field and a training step. Runs with Debian's python3-torch.
"""

import peer

import torch
from torch import nn
from torch.nn import functional


def convolution(inputs, outputs):
    return nn.Conv3d(inputs, outputs, 3, padding=1)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.one, self.two = convolution(width, width), convolution(width, width)

    def forward(self, x):
        return x + functional.relu(self.two(functional.relu(self.one(x))))


class DirectionNet(nn.Module):
    def __init__(self, width, head, coarse, tail):
        super().__init__()
        self.first, self.second, self.third = (
            convolution(1, width),
            convolution(width, width),
            convolution(width, width),
        )
        self.head, self.coarse, self.tail = (
            nn.Sequential(*(Block(width) for _ in range(n))) for n in (head, coarse, tail)
        )
        self.last = nn.Conv3d(width, 1, 1)

    def forward(self, r):
        h = functional.relu(self.third(self.head(functional.relu(self.second(self.first(r))))))
        g = self.coarse(functional.avg_pool3d(h, 2))
        return self.last(self.tail(functional.interpolate(g, scale_factor=2) + h))


def squares(prediction, target):
    return (prediction - target).square().mean()


def main():
    parser = peer.arguments(__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=64, help="grid points in each direction")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--head", type=int, default=1, help="residual blocks, as the next two")
    parser.add_argument("--coarse", type=int, default=3)
    parser.add_argument("--tail", type=int, default=2)
    parser.add_argument(
        "--channels-last", action="store_true", help="PyTorch's other memory layout"
    )
    options = parser.parse_args()
    resident = peer.memory("VmRSS")

    torch.set_num_threads(options.threads)
    if options.device != "cpu":
        torch.set_default_device(options.device)
    torch.manual_seed(0)
    model = DirectionNet(options.width, options.head, options.coarse, options.tail)
    x = torch.randn(1, 1, options.n, options.n, options.n)
    y = torch.randn(1, 1, options.n, options.n, options.n)
    if options.channels_last:
        model = model.to(memory_format=torch.channels_last_3d)
        x = x.contiguous(memory_format=torch.channels_last_3d)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    peer.run("direction", options, model, x, y, squares, optimizer, resident)


if __name__ == "__main__":
    main()
