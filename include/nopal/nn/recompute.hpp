// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <functional>

namespace nopal {

/// How recomputed() keeps x: as it is, or rounded to the nearest bfloat16 (8 bits of mantissa,
/// ties to even), two bytes a number. Then f gets the rounded x in the first place, so that the
/// gradient is that of what was computed; rounding itself counts as the identity.
enum class FieldStorage { full, bfloat16 };

/// f(x) without what the tape would keep of f: only x stays, and the adjoint evaluates f again.
/// `f` takes `samples` entries of the first axis of x at a time (0: all) and must give as many of a
/// result whose other axes do not depend on them; it may use parameters, whose gradients flow.
/// Memory for the fields within f is then that of one piece, at the price of a second evaluation.
/// Chen et al., arXiv 1604.06174, 2016.
///
/// `f` must compute the same again: no layers that change with training (batch norm). Collective if
/// f is, and then the adjoint is, too: record it on all ranks or on none.
template <class T>
Variable<T> recomputed(const std::function<Variable<T>(const Variable<T>&)>& f,
                       const Variable<T>& x, std::int64_t samples = 0,
                       FieldStorage storage = FieldStorage::full);

}  // namespace nopal
