// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "train/incremental_training.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nopal::detail {
namespace {

std::size_t column(const History& history, const std::string& name) {
  return static_cast<std::size_t>(std::find(history.columns.begin(), history.columns.end(), name) -
                                  history.columns.begin());
}

}  // namespace

template <class T>
IncrementalTraining<T>::IncrementalTraining(Operator<T>& op, const IncrementalOptions& options,
                                            std::shared_ptr<const Dataset<T>> data, bool divided)
    : op_(op), options_(options), whole_(std::move(data)) {
  const IncrementalOptions& o = options_;
  if (!o.active()) return;
  NOPAL_CHECK(o.start >= 1 && o.step >= 1 && o.interval >= 1 && o.stride_epochs >= 1 &&
                  o.buffer >= 1 && o.tolerance > 0 && std::isfinite(o.tolerance),
              "incremental training: expected start, step, interval, stride_epochs and buffer of ",
              "at least 1 and a positive tolerance, got ", o.start, ", ", o.step, ", ", o.interval,
              ", ", o.stride_epochs, ", ", o.buffer, " and ", o.tolerance);
  if (o.rule != "none") {
    NOPAL_CHECK(o.rule == "epochs" || o.rule == "loss_gap" || o.rule == "explained",
                "incremental training: expected the rule none, epochs, loss_gap or explained, got ",
                o.rule);
    NOPAL_CHECK(op.restrict_modes(0), "incremental training: ", op.name(), " has no Fourier modes");
    const nlohmann::json configuration = op.configuration();
    for (const auto& m : configuration.at("n_modes"))
      most_ = std::max(most_, m.template get<std::int64_t>());
    NOPAL_CHECK(o.start <= most_, "incremental training: expected to start with at most the ",
                most_, " modes of the model, got ", o.start);
  }
  if (o.strides.empty()) return;
  NOPAL_CHECK(!divided, "incremental training: strides need whole fields, not -space_ranks");
  strided_ = std::make_shared<StridedDataset<T>>(whole_);
  for (const std::int64_t stride : o.strides)
    strided_->set_stride(stride);
}

template <class T>
std::shared_ptr<const Dataset<T>> IncrementalTraining<T>::data() const {
  if (strided_) return strided_;
  return whole_;
}

template <class T>
std::vector<std::string> IncrementalTraining<T>::columns() const {
  std::vector<std::string> columns;
  if (options_.rule != "none") columns = {"modes", "next_modes"};
  if (strided_) columns.emplace_back("stride");
  return columns;
}

template <class T>
std::vector<double> IncrementalTraining<T>::row(const History& history, double loss) const {
  std::vector<double> row;
  if (options_.rule != "none")
    row = {static_cast<double>(modes_), static_cast<double>(next_modes(history, loss))};
  if (strided_) row.push_back(static_cast<double>(strided_->stride()));
  return row;
}

template <class T>
std::int64_t IncrementalTraining<T>::next_modes(const History& history, double loss) const {
  const IncrementalOptions& o = options_;
  const auto& rows = history.rows;
  bool more = false;
  if (o.rule == "epochs") {
    more = (static_cast<std::int64_t>(rows.size()) + 1) % o.interval == 0;
  } else if (o.rule == "loss_gap") {
    if (!rows.empty()) {
      const double before = rows.back()[column(history, "loss")];
      more = std::abs(loss - before) <= o.tolerance * std::abs(before);
    }
  } else {
    const std::vector<double> strengths = op_.mode_strengths();
    const double all = std::accumulate(strengths.begin(), strengths.end(), 0.0);
    const auto low = std::max<std::ptrdiff_t>(
        1, static_cast<std::ptrdiff_t>(strengths.size()) - static_cast<std::ptrdiff_t>(o.buffer));
    more =
        std::accumulate(strengths.begin(), strengths.begin() + low, 0.0) < (1 - o.tolerance) * all;
  }
  return more ? std::min(modes_ + o.step, most_) : modes_;
}

template <class T>
void IncrementalTraining<T>::begin_epoch(const History& history) {
  if (options_.rule != "none") {
    modes_ = history.rows.empty()
                 ? options_.start
                 : static_cast<std::int64_t>(history.rows.back()[column(history, "next_modes")]);
    op_.restrict_modes(modes_);
  }
  if (strided_) {
    const auto epoch = static_cast<std::int64_t>(history.rows.size());
    const auto stage = static_cast<std::size_t>(epoch / options_.stride_epochs);
    strided_->set_stride(options_.strides[std::min(stage, options_.strides.size() - 1)]);
  }
}

template <class T>
void IncrementalTraining<T>::restore(const History& history, std::int64_t epoch) {
  if (options_.rule == "none" || epoch < 1 ||
      epoch > static_cast<std::int64_t>(history.rows.size()))
    return;
  op_.restrict_modes(static_cast<std::int64_t>(
      history.rows[static_cast<std::size_t>(epoch - 1)][column(history, "modes")]));
}

template class IncrementalTraining<float>;
template class IncrementalTraining<double>;

}  // namespace nopal::detail
