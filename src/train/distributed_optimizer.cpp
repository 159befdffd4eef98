// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "train/distributed_optimizer.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace nopal::detail {
namespace {

// Parameters start at multiples of this in the flat vector, so that parts never cut a complex pair.
constexpr std::int64_t alignment = 16;

template <class T>
Tensor<T> flat_slice(const Tensor<T>& x, std::int64_t first, std::int64_t count) {
  return x.reshape({x.size()}).slice(first, count);
}

}  // namespace

template <class T>
DistributedOptimizer<T>::DistributedOptimizer(const Parameters<T>& parameters,
                                              std::unique_ptr<Optimizer<T>> optimizer,
                                              const Communicator& comm, int ranks_per_node)
    : optimizer_(std::move(optimizer)), comm_(comm), update_(parameters) {
  std::int64_t total = 0;
  for (Parameter<T>* parameter : parameters) {
    places_.push_back({parameter, total, parameter->value().size()});
    total += (parameter->value().size() + alignment - 1) / alignment * alignment;
  }
  if (comm.size() == 1) return;
  sum_ = std::make_unique<GradientSum<T>>(comm, total, ranks_per_node);
  if (!optimizer_->separable()) return;
  const Tensor<T>& flat = sum_->contribution();
  for_each_in(sum_->part(), [&](const Place& place, std::int64_t first, std::int64_t count) {
    Parameter<T> piece{place.parameter->name,
                       Variable<T>::leaf(flat_slice(place.parameter->value(), first, count)),
                       place.parameter->is_complex, place.parameter->learning_rate_scale};
    piece.variable.accumulate(flat.slice(place.first + first, count));
    pieces_.push_back(std::move(piece));
  });
  update_.clear();
  for (Parameter<T>& piece : pieces_)
    update_.push_back(&piece);
}

// action(place, first, count) for the part [first, first + count) of each parameter in the slab.
template <class T>
template <class Action>
void DistributedOptimizer<T>::for_each_in(Slab slab, const Action& action) const {
  for (const Place& place : places_) {
    const std::int64_t begin = std::max(slab.first, place.first);
    const std::int64_t end = std::min(slab.first + slab.count, place.first + place.size);
    if (begin < end) action(place, begin - place.first, end - begin);
  }
}

template <class T>
void DistributedOptimizer<T>::prepare() {
  if (!sum_ || !optimizer_->separable()) return;
  const Tensor<T>& flat = sum_->contribution();
  for (const Place& place : places_)
    place.parameter->variable.set_gradient_memory(flat.slice(place.first, place.size));
}

template <class T>
void DistributedOptimizer<T>::sum_gradients(std::span<double> numbers) {
  if (!sum_) return;
  const Tensor<T>& flat = sum_->contribution();
  for (const Place& place : places_) {
    const Tensor<T> target = flat.slice(place.first, place.size);
    const Tensor<T>& gradient = place.parameter->gradient();
    if (!gradient.defined())
      target.fill(T(0));
    else if (gradient.data() != target.data())
      target.copy_from(gradient);
    place.parameter->variable.clear_gradient();
    place.parameter->variable.set_gradient_memory({});
  }
  sum_->sum(numbers);
  if (optimizer_->separable()) return;
  const auto take = [&](Slab slab, const Tensor<T>& values) {
    for_each_in(slab, [&](const Place& place, std::int64_t first, std::int64_t count) {
      const auto slot = place.parameter->variable.gradient_slot();
      flat_slice(slot.buffer, first, count)
          .copy_from(values.slice(place.first + first - slab.first, count));
    });
  };
  take(sum_->part(), flat.slice(sum_->part().first, sum_->part().count));
  sum_->share(take);
}

template <class T>
void DistributedOptimizer<T>::clip(double value, double norm) {
  if (value > 0) clip_gradients_by_value(update_, value);
  if (!(norm > 0)) return;
  double size = gradient_norm(update_);
  if (sum_ && optimizer_->separable()) size = std::sqrt(comm_.sum(size * size) / sum_->copies());
  clip_gradients_by_norm(update_, size, norm);
}

template <class T>
void DistributedOptimizer<T>::step(double learning_rate, const std::function<double()>& evaluate) {
  optimizer_->step(update_, learning_rate, evaluate);
  if (!sum_) {
    for (const Place& place : places_)
      place.parameter->variable.clear_gradient();
    return;
  }
  if (!optimizer_->separable()) return;
  for (const Parameter<T>& piece : pieces_)
    piece.gradient().copy_from(piece.value());  // the gradient lies where the others look
  sum_->share([&](Slab slab, const Tensor<T>& values) {
    for_each_in(slab, [&](const Place& place, std::int64_t first, std::int64_t count) {
      flat_slice(place.parameter->value(), first, count)
          .copy_from(values.slice(place.first + first - slab.first, count));
    });
  });
}

template <class T>
std::map<std::string, Tensor<T>> DistributedOptimizer<T>::state() const {
  auto mine = optimizer_->state();
  if (!sum_ || !optimizer_->separable()) return mine;
  // Pieces are put together in the order of the parts; what belongs to no parameter is equal
  // everywhere.
  std::map<std::string, std::vector<Tensor<T>>> pieces;
  std::map<std::string, Tensor<T>> result;
  for (int part = 0; part < sum_->parts(); ++part) {
    const bool owner = sum_->owner() == part;
    const int root = -static_cast<int>(comm_.max(owner ? -comm_.rank() : -comm_.size()));
    nlohmann::json list = nlohmann::json::array();
    for (const auto& [name, tensor] : mine)
      list.push_back({name, tensor.size()});
    list = nlohmann::json::parse(comm_.broadcast(list.dump(), root));
    for (const auto& entry : list) {
      const auto name = entry[0].template get<std::string>();
      const Tensor<T> tensor = comm_.rank() == root
                                   ? mine.at(name).clone()
                                   : Tensor<T>({entry[1].template get<std::int64_t>()});
      comm_.broadcast(tensor, root);
      if (name.find('/') == std::string::npos)
        result[name] = tensor;
      else
        pieces[name].push_back(tensor);
    }
  }
  for (const auto& [name, list] : pieces) {
    std::int64_t size = 0, first = 0;
    for (const Tensor<T>& piece : list)
      size += piece.size();
    const Tensor<T> whole({size});
    for (const Tensor<T>& piece : list) {
      whole.slice(first, piece.size()).copy_from(piece);
      first += piece.size();
    }
    result[name] = whole;
  }
  return result;
}

template <class T>
void DistributedOptimizer<T>::restore(const std::map<std::string, Tensor<T>>& state) {
  if (!sum_ || !optimizer_->separable()) return optimizer_->restore(state);
  std::map<std::string, Tensor<T>> mine;
  std::map<std::string, const Place*> by_name;
  for (const Place& place : places_)
    by_name[place.parameter->name] = &place;
  for (const auto& [name, tensor] : state) {
    const auto slash = name.find('/');
    if (slash == std::string::npos) {
      mine[name] = tensor;
      continue;
    }
    const auto place = by_name.find(name.substr(slash + 1));
    const std::int64_t size = place == by_name.end() ? 0 : place->second->size;
    NOPAL_CHECK(size > 0 && (tensor.size() == size || 2 * tensor.size() == size),
                "the optimizer state \"", name, "\" has ", tensor.size(),
                " entries, expected those of a parameter of this model (", size, ")");
    const std::int64_t ratio = size / tensor.size();
    // Captured by value: older clangs capture no references to structured bindings.
    const auto take = [&, name = name, tensor = tensor](const Place& p, std::int64_t first,
                                                        std::int64_t count) {
      if (&p == place->second) mine[name] = flat_slice(tensor, first / ratio, count / ratio);
    };
    for_each_in(sum_->part(), take);
  }
  optimizer_->restore(mine);
}

template class DistributedOptimizer<float>;
template class DistributedOptimizer<double>;

}  // namespace nopal::detail
