#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""The 2021 Fourier neural operator in two dimensions in plain PyTorch: training step and inference.

The network of Li et al., "Fourier neural operator for parametric partial differential equations":
grid coordinates, lift, 4 Fourier layers (spectral convolution plus 1x1 convolution, GELU but after
the last), two pointwise layers; 2,368,001 parameters at width 32 and 12 modes with one input.
No padding. Runs with Debian's python3-torch.
"""

import peer

import torch
from torch import nn
from torch.nn import functional


class SpectralConvolution(nn.Module):
    """Multiplies the modes |k1| < modes, 0 <= k2 < modes by learned matrices over the channels."""

    def __init__(self, width, modes):
        super().__init__()
        self.modes = modes
        scale = 1 / (width * width)
        shape = (width, width, modes, modes)
        self.low = nn.Parameter(scale * torch.rand(shape, dtype=torch.cfloat))
        self.high = nn.Parameter(scale * torch.rand(shape, dtype=torch.cfloat))

    def forward(self, x):
        m = self.modes
        batch, width, n1, n2 = x.shape
        # Columns first: slicing rows and columns at once costs the backward pass one more array
        # of zeros of full size for each slice.
        spectrum = torch.fft.rfft2(x)[..., :m]
        out = torch.zeros(batch, width, n1, n2 // 2 + 1, dtype=torch.cfloat)
        out[:, :, :m, :m] = torch.einsum("bixy,ioxy->boxy", spectrum[:, :, :m], self.low)
        out[:, :, -m:, :m] = torch.einsum("bixy,ioxy->boxy", spectrum[:, :, -m:], self.high)
        return torch.fft.irfft2(out, s=(n1, n2))


class TruncatedSpectralConvolution(SpectralConvolution):
    """The same map as an expert may write it: the second transform sees the kept columns only."""

    def forward(self, x):
        m = self.modes
        batch, width, n1, n2 = x.shape
        spectrum = torch.fft.fft(torch.fft.rfft(x)[..., :m], dim=2)
        spectrum = torch.cat((spectrum[:, :, :m], spectrum[:, :, -m:]), dim=2)
        weight = torch.cat((self.low, self.high), dim=2)
        kept = torch.einsum("bixy,ioxy->boxy", spectrum, weight)
        zeros = torch.zeros(batch, width, n1 - 2 * m, m, dtype=torch.cfloat)
        out = torch.cat((kept[:, :, :m], zeros, kept[:, :, m:]), dim=2)
        return torch.fft.irfft(torch.fft.ifft(out, dim=2), n=n2)


class FourierOperator(nn.Module):
    """Maps (batch, inputs, n1, n2) to (batch, 1, n1, n2)."""

    def __init__(self, inputs, width, modes, layers, convolution, projection=128):
        super().__init__()
        self.lift = nn.Conv2d(inputs + 2, width, 1)
        self.spectral = nn.ModuleList(convolution(width, modes) for _ in range(layers))
        self.local = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(layers))
        self.project1 = nn.Conv2d(width, projection, 1)
        self.project2 = nn.Conv2d(projection, 1, 1)

    def forward(self, x):
        x = self.lift(torch.cat((x, self.grid(x)), dim=1))
        for i, (spectral, local) in enumerate(zip(self.spectral, self.local)):
            x = spectral(x) + local(x)
            if i + 1 < len(self.spectral):
                x = functional.gelu(x)
        return self.project2(functional.gelu(self.project1(x)))

    @staticmethod
    def grid(x):
        """Coordinates in [0, 1], both ends included, as two channels."""
        batch, _, n1, n2 = x.shape
        x1 = torch.linspace(0, 1, n1).reshape(1, 1, n1, 1).expand(batch, 1, n1, n2)
        x2 = torch.linspace(0, 1, n2).reshape(1, 1, 1, n2).expand(batch, 1, n1, n2)
        return torch.cat((x1, x2), dim=1)


def relative_l2(prediction, target):
    """Mean over the batch of |prediction - target| / |target|."""
    difference = (prediction - target).flatten(1).norm(dim=1)
    return (difference / target.flatten(1).norm(dim=1)).mean()


def main():
    parser = peer.arguments(__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=64, help="grid points in each direction")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--modes", type=int, default=12)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument(
        "--truncated", action="store_true", help="transform only kept columns a second time"
    )
    options = parser.parse_args()
    resident = peer.memory("VmRSS")

    torch.set_num_threads(options.threads)
    if options.device != "cpu":
        torch.set_default_device(options.device)
    torch.manual_seed(0)
    convolution = TruncatedSpectralConvolution if options.truncated else SpectralConvolution
    model = FourierOperator(1, options.width, options.modes, options.layers, convolution)
    x = torch.randn(options.batch, 1, options.n, options.n)
    y = torch.randn(options.batch, 1, options.n, options.n)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    peer.run("fno2d", options, model, x, y, relative_l2, optimizer, resident)


if __name__ == "__main__":
    main()
