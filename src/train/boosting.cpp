// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/train/boosting.hpp>
#include <nopal/train/rank_groups.hpp>

#include "data/dataset_checks.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nopal {
namespace {

// A member as train() sees it: the sum so far, of which only the member's parameters count.
template <class T>
class Stage : public Operator<T> {
 public:
  Stage(const Boosted<T>& whole, std::int64_t member) : whole_(whole), member_(member) {}

  std::string name() const override { return "boosted_stage"; }
  nlohmann::json configuration() const override {
    nlohmann::json json = whole_.configuration();
    json["member"] = member_;
    json["scales"] = whole_.scales();
    return json;
  }
  using Operator<T>::forward;
  Variable<T> forward(std::span<const Variable<T>> inputs) const override {
    return whole_.partial(inputs[0], member_ + 1, true);
  }
  Variable<T> forward(std::span<const Variable<T>> inputs, const Grid& grid) const override {
    return whole_.partial(inputs[0], member_ + 1, true, grid.comm().size() > 1 ? &grid : nullptr);
  }
  std::vector<AxisRule> grid_rules() const override { return whole_.grid_rules(); }
  Shape process_grid(int ranks) const override { return whole_.process_grid(ranks); }
  bool depends_on_spacing() const override { return whole_.depends_on_spacing(); }
  void check_inputs(std::span<const Shape> inputs) const override { whole_.check_inputs(inputs); }
  Cost cost(std::span<const Shape> inputs) const override { return whole_.cost(inputs); }
  const Parameters<T>& parameters() const override { return whole_.member(member_).parameters(); }
  std::vector<NamedTensor<T>> buffers() const override { return whole_.member(member_).buffers(); }

 private:
  const Boosted<T>& whole_;
  std::int64_t member_;
};

// Root mean square of what the first m members leave of the normalised outputs. Collective.
template <class T>
double residual(const Model<T>& model, const Boosted<T>& op, std::int64_t m, const Dataset<T>& data,
                const TrainOptions& options, const Communicator& comm) {
  const RankGroups groups(comm, options.space_ranks);
  const Slab mine = slab(data.size(), groups.group(), groups.groups());
  double sum = 0, entries = 0;
  comm.together([&] {
    // With divided points each rank of a group computes whole fields; the first one's count.
    if (groups.divided() && groups.space().rank() > 0) return;
    for (std::int64_t done = 0; done < mine.count; done += options.evaluation_batch) {
      const std::int64_t count = std::min(options.evaluation_batch, mine.count - done);
      std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
      std::iota(indices.begin(), indices.end(), mine.first + done);
      const Tensor<T> x(detail::with_samples(count, data.x_shape()));
      const Tensor<T> y(detail::with_samples(count, data.y_shape()));
      data.read(indices, x, y);
      model.input_normaliser().encode_in_place(x);
      model.output_normaliser().encode_in_place(y);
      axpy(T(-1), op.partial(Variable<T>(x), m).value(), y);
      for (const T value : y.to_vector())
        sum += static_cast<double>(value) * static_cast<double>(value);
      entries += static_cast<double>(y.size());
    }
  });
  return std::sqrt(comm.sum(sum) / comm.sum(entries));
}

}  // namespace

template <class T>
TrainResult<T> train_boosted(Model<T>& model, const TrainData<T>& data, const TrainOptions& options,
                             const Communicator& comm) {
  auto* op = dynamic_cast<Boosted<T>*>(&model.op());
  NOPAL_CHECK(op != nullptr, "train_boosted: expected a model with the operator boosted, got ",
              model.op().name());
  NOPAL_CHECK(data.training != nullptr, "train_boosted: expected a training set, got none");
  TrainResult<T> all;
  for (std::int64_t m = 0; m < op->options().members; ++m) {
    if (m > 0) {
      const double left = residual(model, *op, m, *data.training, options, comm);
      NOPAL_CHECK(left > 0 && std::isfinite(left), "train_boosted: member ", m + 1,
                  " has nothing to learn, the residual is ", left);
      op->set_scale(m, static_cast<T>(left));
    }
    Model<T> stage(std::make_unique<Stage<T>>(*op, m), model.input_normaliser(),
                   model.output_normaliser());
    TrainOptions own = options;
    if (!own.checkpoint.empty()) own.checkpoint += "." + std::to_string(m + 1);
    if (!own.history.empty()) own.history += "." + std::to_string(m + 1);
    TrainResult<T> result = train<T>(stage, data, own, comm);
    all.history.columns = result.history.columns;
    all.history.columns.emplace_back("member");
    for (std::vector<double> row : result.history.rows) {
      row.push_back(static_cast<double>(m + 1));
      all.history.rows.push_back(std::move(row));
    }
    all.epochs += result.epochs;
    all.best_epoch = result.best_epoch;
    all.best_error = result.best_error;
    all.stopped_early = result.stopped_early;
    all.interrupted = result.interrupted;
    if (result.interrupted) return all;
  }
  const Shape sample = data.training->x_shape();
  model.set_training_grid(Shape(sample.begin(), sample.end() - 1));
  for (const NamedTensor<T>& tensor : state_tensors<T>(*op))
    all.final_state.push_back(tensor.value.clone());
  return all;
}

template TrainResult<float> train_boosted<float>(Model<float>&, const TrainData<float>&,
                                                 const TrainOptions&, const Communicator&);
template TrainResult<double> train_boosted<double>(Model<double>&, const TrainData<double>&,
                                                   const TrainOptions&, const Communicator&);

}  // namespace nopal
