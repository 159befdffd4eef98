#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""Fourier neural operators in two dimensions in plain PyTorch: training step and inference.

The network of Li et al., "Fourier neural operator for parametric partial differential equations":
grid coordinates, lift, 4 Fourier layers (spectral convolution plus 1x1 convolution, GELU but after
the last), two pointwise layers; 2,368,001 parameters at width 32 and 12 modes with one input.
With --tucker instead the tensorized one of Kossaifi et al., TMLR 2024, in the layout of neuraloperator
2.0: lift and projection of two layers, frequencies -m/2 to m/2 - 1 and 0 to m/2, weights as a core and
four factors, a channel MLP of half the width with a gated skip.
No padding. Runs with Debian's python3-torch.
"""

import math

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


class TuckerConvolution(nn.Module):
    """Modes times matrices that are a core with a factor for each axis, contracted in the order of the
    least work, that of the batch last: no dense weight is built."""

    def __init__(self, width, modes, ratio):
        super().__init__()
        self.modes = (modes, modes // 2 + 1)
        shape = (width, width) + self.modes
        ranks = tucker_ranks(shape, ratio)
        deviation = ((1 / width) ** 0.5 / math.prod(ranks) ** 0.5) ** (1 / 5)
        make = lambda *size: nn.Parameter(deviation * torch.randn(size, dtype=torch.cfloat))
        self.core = make(*ranks)
        self.factors = nn.ParameterList(make(n, r) for n, r in zip(shape, ranks))
        self.bias = nn.Parameter(width**-0.5 * torch.randn(width, 1, 1))

    def contract(self, spectrum):
        source, target, rows, columns = self.factors
        core = torch.einsum("efgh,xg->efxh", self.core, rows)
        core = torch.einsum("efxh,yh->efxy", core, columns)
        kept = torch.einsum("bixy,ie->bexy", spectrum, source)
        kept = torch.einsum("bexy,efxy->bfxy", kept, core)
        return torch.einsum("bfxy,of->boxy", kept, target)

    def forward(self, x):
        (m1, m2), (n1, n2) = self.modes, x.shape[-2:]
        spectrum = torch.fft.fftshift(torch.fft.rfft2(x, norm="forward"), dim=2)
        begin = n1 // 2 - m1 // 2
        out = torch.zeros_like(spectrum)
        out[:, :, begin : begin + m1, :m2] = self.contract(spectrum[:, :, begin : begin + m1, :m2])
        return torch.fft.irfft2(torch.fft.ifftshift(out, dim=2), s=(n1, n2), norm="forward") + self.bias


class TruncatedTuckerConvolution(TuckerConvolution):
    """The same map as an expert may write it: the second transform sees the kept columns only."""

    def forward(self, x):
        (m1, m2), (n1, n2) = self.modes, x.shape[-2:]
        spectrum = torch.fft.fft(torch.fft.rfft(x, norm="forward")[..., :m2], dim=2, norm="forward")
        kept = self.contract(torch.cat((spectrum[:, :, -m1 // 2 :], spectrum[:, :, : m1 // 2]), dim=2))
        zeros = torch.zeros(x.shape[0], kept.shape[1], n1 - m1, m2, dtype=torch.cfloat)
        out = torch.cat((kept[:, :, m1 // 2 :], zeros, kept[:, :, : m1 // 2]), dim=2)
        y = torch.fft.irfft(torch.fft.ifft(out, dim=2, norm="forward"), n=n2, norm="forward")
        return y + self.bias


def tucker_ranks(shape, ratio):
    """The rule of TensorLy: c n_k with c^N prod n + c sum n^2 = ratio prod n."""
    low, high, size = 0.0, 1.0, math.prod(shape)
    for _ in range(60):
        c = (low + high) / 2
        if c ** len(shape) * size + c * sum(n * n for n in shape) < ratio * size:
            low = c
        else:
            high = c
    return tuple(max(1, round(low * n)) for n in shape)


class TensorizedOperator(nn.Module):
    """Maps (batch, inputs, n1, n2) to (batch, 1, n1, n2)."""

    def __init__(self, inputs, width, modes, layers, ratio, convolution):
        super().__init__()
        pair = lambda a, b, c: nn.Sequential(nn.Conv2d(a, b, 1), nn.GELU(), nn.Conv2d(b, c, 1))
        self.lift = pair(inputs + 2, 2 * width, width)
        self.spectral = nn.ModuleList(convolution(width, modes, ratio) for _ in range(layers))
        self.local = nn.ModuleList(nn.Conv2d(width, width, 1, bias=False) for _ in range(layers))
        self.mlp = nn.ModuleList(pair(width, width // 2, width) for _ in range(layers))
        self.gate = nn.ParameterList(nn.Parameter(torch.ones(1, width, 1, 1)) for _ in range(layers))
        self.project = pair(width, 2 * width, 1)

    def forward(self, x):
        x = self.lift(torch.cat((x, FourierOperator.grid(x)), dim=1))
        for i, (spectral, local, mlp, gate) in enumerate(
            zip(self.spectral, self.local, self.mlp, self.gate)
        ):
            last = i + 1 == len(self.spectral)
            y = spectral(x) + local(x)
            y = mlp(y if last else functional.gelu(y)) + gate * x
            x = y if last else functional.gelu(y)
        return self.project(x)


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
    parser.add_argument("--tucker", type=float, help="tensorized, with this share of the numbers")
    options = parser.parse_args()
    resident = peer.memory("VmRSS")

    torch.set_num_threads(options.threads)
    if options.device != "cpu":
        torch.set_default_device(options.device)
    torch.manual_seed(0)
    convolution = TruncatedSpectralConvolution if options.truncated else SpectralConvolution
    if options.tucker:
        convolution = TruncatedTuckerConvolution if options.truncated else TuckerConvolution
        model = TensorizedOperator(
            1, options.width, options.modes, options.layers, options.tucker, convolution
        )
    else:
        model = FourierOperator(1, options.width, options.modes, options.layers, convolution)
    x = torch.randn(options.batch, 1, options.n, options.n)
    y = torch.randn(options.batch, 1, options.n, options.n)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    peer.run("fno2d", options, model, x, y, relative_l2, optimizer, resident)


if __name__ == "__main__":
    main()
