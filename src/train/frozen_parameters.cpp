// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/train/frozen_parameters.hpp>

#include <algorithm>

namespace nopal {
namespace {

bool means(const std::string& entry, const std::string& name) {
  return name == entry || name.compare(0, entry.size() + 1, entry + ".") == 0;
}

}  // namespace

template <class T>
FrozenParameters<T>::FrozenParameters(const Parameters<T>& parameters,
                                      const std::vector<std::string>& trainable) {
  for (const std::string& entry : trainable) {
    std::vector<std::string> names;
    for (const Parameter<T>* parameter : parameters)
      names.push_back(parameter->name);
    NOPAL_CHECK(std::any_of(names.begin(), names.end(),
                            [&](const std::string& name) { return means(entry, name); }),
                "trainable: no parameter is '", entry, "' or begins with '", entry, ".'",
                suggestion(entry, names));
  }
  for (Parameter<T>* parameter : parameters) {
    const bool kept = trainable.empty() || std::any_of(trainable.begin(), trainable.end(),
                                                       [&](const std::string& entry) {
                                                         return means(entry, parameter->name);
                                                       });
    (kept ? trainable_ : frozen_).push_back(parameter);
  }
  for (Parameter<T>* parameter : frozen_) {
    leaves_.push_back(parameter->variable);
    parameter->variable = Variable<T>(parameter->value());
  }
}

template <class T>
FrozenParameters<T>::~FrozenParameters() {
  for (std::size_t i = 0; i < frozen_.size(); ++i)
    frozen_[i]->variable = leaves_[i];
}

template class FrozenParameters<float>;
template class FrozenParameters<double>;

}  // namespace nopal
