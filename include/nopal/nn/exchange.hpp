// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/comm/exchange.hpp>

namespace nopal {

/// x on this rank's box, (B, n1, ..., nd, C), brought to the box that the exchange wants: margins
/// from other ranks and boundary rules (halo_exchange()), or other boxes (redistribution()). Where
/// nothing moves, the result is x itself. Collective, and so is its adjoint: all ranks must call
/// it, record it or not, and run the tape alike, those with empty boxes too.
template <class T>
Variable<T> exchange(const Variable<T>& x, const Exchange<T>& exchange);

}  // namespace nopal
