// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <string>
#include <vector>

namespace nopal {

/// While it exists, all parameters but those of `trainable` are constants: no gradient is computed
/// for them. For training a part of a network, for instance after a transfer to another task.
///
/// An entry of `trainable` is the name of a parameter or its beginning up to a dot: "trunk.4" means
/// trunk.4.weight and trunk.4.bias, "branch" the whole branch. Error if an entry means nothing;
/// none: all are trainable.
template <class T>
class FrozenParameters {
 public:
  FrozenParameters(const Parameters<T>& parameters, const std::vector<std::string>& trainable);
  ~FrozenParameters();
  FrozenParameters(const FrozenParameters&) = delete;
  FrozenParameters& operator=(const FrozenParameters&) = delete;

  const Parameters<T>& trainable() const noexcept { return trainable_; }

 private:
  Parameters<T> trainable_, frozen_;
  std::vector<Variable<T>> leaves_;  // of the frozen ones
};

}  // namespace nopal
