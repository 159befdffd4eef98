// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/io/option_reader.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/operators/boosted.hpp>

#include <utility>

namespace nopal {

BoostedOptions BoostedOptions::from_json(const nlohmann::json& json) {
  BoostedOptions o;
  nlohmann::json own = nlohmann::json::object();
  for (const auto& [key, value] : json.items())
    (key == "operator" || key == "members" || key == "chained" ? own : o.configuration)[key] =
        value;
  OptionReader read(own, "boosted");
  read("operator", o.member_operator);
  read("members", o.members, 1, 1000);
  read("chained", o.chained);
  read.finish();
  NOPAL_CHECK(o.member_operator != "boosted" && o.member_operator != "rollout",
              "boosted: a member cannot be made of operators itself, got ", o.member_operator);
  return o;
}

nlohmann::json BoostedOptions::to_json() const {
  nlohmann::json json = configuration;
  json["operator"] = member_operator;
  json["members"] = members;
  json["chained"] = chained;
  return json;
}

template <class T>
Boosted<T>::Boosted(const BoostedOptions& options, std::uint64_t seed, double max_parameters)
    : options_(BoostedOptions::from_json(options.to_json())) {
  BoostedOptions& o = options_;
  for (std::int64_t m = 0; m < o.members; ++m) {
    nlohmann::json configuration = o.configuration;
    if (m > 0 && o.chained)
      configuration["in_channels"] = configuration.at("in_channels").template get<std::int64_t>() +
                                     configuration.at("out_channels").template get<std::int64_t>();
    members_.push_back(make_operator<T>(o.member_operator, configuration,
                                        seed + static_cast<std::uint64_t>(m), max_parameters));
    max_parameters -= static_cast<double>(count(members_.back()->parameters()));
    if (m > 0) continue;
    o.configuration = members_[0]->configuration();
    NOPAL_CHECK(o.configuration.contains("in_channels") && o.configuration.contains("out_channels"),
                "boosted: ", o.member_operator, " is no operator from fields to fields");
  }
  scales_ = Tensor<T>::zeros({o.members});
  set_scale(0, T(1));
  buffers_.push_back({"scales", scales_});
  for (std::int64_t m = 0; m < o.members; ++m) {
    const std::string prefix = "members." + std::to_string(m) + ".";
    for (const Parameter<T>* p : member(m).parameters())
      renamed_.push_back({prefix + p->name, p->variable, p->is_complex, p->learning_rate_scale});
    for (const NamedTensor<T>& buffer : member(m).buffers())
      buffers_.push_back({prefix + buffer.name, buffer.value});
  }
  for (Parameter<T>& p : renamed_)
    parameters_.push_back(&p);
}

template <class T>
nlohmann::json Boosted<T>::configuration() const {
  return options_.to_json();
}

template <class T>
const Operator<T>& Boosted<T>::member(std::int64_t m) const {
  NOPAL_CHECK(m >= 0 && m < options_.members, "boosted: there are the members 0 to ",
              options_.members - 1, ", got ", m);
  return *members_[static_cast<std::size_t>(m)];
}

template <class T>
void Boosted<T>::set_scale(std::int64_t m, T scale) {
  std::vector<T> all = scales();
  all.at(static_cast<std::size_t>(m)) = scale;
  scales_.copy_from_host(all.data());
}

template <class T>
void Boosted<T>::check_inputs(std::span<const Shape> inputs) const {
  members_[0]->check_inputs(inputs);
}

template <class T>
Cost Boosted<T>::cost(std::span<const Shape> inputs) const {
  Cost cost = members_[0]->cost(inputs);
  if (!options_.chained) {
    cost.flops *= static_cast<double>(options_.members);
    cost.bytes *= static_cast<double>(options_.members);
    return cost;
  }
  const auto out = options_.configuration.at("out_channels").template get<std::int64_t>();
  const Shape wider = inputs[0].with(-1, inputs[0][-1] + out);
  for (std::int64_t m = 1; m < options_.members; ++m)
    cost += member(m).cost(std::span(&wider, 1));
  return cost;
}

template <class T>
Variable<T> Boosted<T>::partial(const Variable<T>& x, std::int64_t m, bool last_alone,
                                const Grid* grid) const {
  const std::vector<T> s = scales();
  const auto evaluate = [&](std::int64_t j, const Variable<T>& sum) {
    const bool sees_sum = j > 0 && options_.chained;
    const Variable<T> input = sees_sum ? join_channels<T>({x, sum}) : x;
    return grid ? member(j).forward(std::span(&input, 1), *grid) : member(j).forward(input);
  };
  Variable<T> sum;
  for (std::int64_t j = 0; j < m; ++j) {
    const T scale = s[static_cast<std::size_t>(j)];
    if (j > 0 && scale == T(0)) continue;
    const auto add = [&] {
      const Variable<T> term = evaluate(j, sum);
      sum = j == 0 ? linear_combination<T>({{static_cast<double>(scale), term}})
                   : linear_combination<T>({{1, sum}, {static_cast<double>(scale), term}});
    };
    if (last_alone && j + 1 < m) {
      const TapePause<T> pause;
      add();
    } else {
      add();
    }
  }
  return sum;
}

template <class T>
Variable<T> Boosted<T>::forward(std::span<const Variable<T>> inputs) const {
  const ScopedRegion region("boosted");
  NOPAL_CHECK(inputs.size() == 1, "boosted takes one input field, got ", inputs.size());
  return partial(inputs[0], options_.members);
}

template <class T>
Variable<T> Boosted<T>::forward(std::span<const Variable<T>> inputs, const Grid& grid) const {
  if (grid.comm().size() == 1) return forward(inputs);
  NOPAL_CHECK(inputs.size() == 1, "boosted takes one input field, got ", inputs.size());
  return partial(inputs[0], options_.members, false, &grid);
}

template class Boosted<float>;
template class Boosted<double>;

}  // namespace nopal
