// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "train/batch_gradients.hpp"

#include "data/dataset_checks.hpp"

namespace nopal::detail {

template <class T>
BatchGradients<T>::BatchGradients(const Model<T>& model, std::shared_ptr<const Dataset<T>> part,
                                  const Grid& grid, const TrainOptions& options,
                                  LossFunction<T> loss, const RankGroups& groups)
    : model_(model),
      groups_(groups),
      grid_(grid),
      input_(model.input_normaliser()),
      output_(model.output_normaliser()),
      data_(std::move(part)),
      loss_(std::move(loss)),
      has_buffers_(!model.op().buffers().empty()),
      collective_(has_buffers_ || groups.divided()),
      decode_(options.decode_loss) {
  if (groups.divided()) {
    NOPAL_CHECK(!loss_, "a loss of one's own needs whole fields, but option -space_ranks divides ",
                "them among ", groups.space().size(), " ranks");
    input_ = input_.on(grid_);
    output_ = output_.on(grid_);
  }
  if (!loss_) loss_ = make_loss<T>(options.loss, options.boundary, grid_);
  if (decode_ && !output_.identity())
    deviation_ = Normaliser<T>(Tensor<T>::zeros(output_.mean().shape()), output_.deviation());
}

template <class T>
BatchGradients<T> batch_gradients(const Model<T>& model, std::shared_ptr<const Dataset<T>> data,
                                  const TrainOptions& options, LossFunction<T> loss,
                                  const RankGroups& groups) {
  Grid grid;
  if (groups.divided()) {
    grid = groups.grid(model.op(), data->x_shape());
    data = std::make_shared<BoxDataset<T>>(std::move(data), grid.box());
  }
  return BatchGradients<T>(model, std::move(data), grid, options, std::move(loss), groups);
}

// Physical units inside the tape: z deviation + mean, whose adjoint is the same map with mean 0.
template <class T>
Variable<T> BatchGradients<T>::decode(const Variable<T>& z) const {
  if (output_.identity()) return z;
  Tensor<T> value = output_.decode(z.value());
  if (!needs_record(z)) return value;
  return record<T>(std::move(value), [z, deviation = deviation_](const Tensor<T>& dy) {
    z.accumulate(deviation.decode(dy));
  });
}

template <class T>
double BatchGradients<T>::operator()(std::span<const std::int64_t> batch, TrainingStep step) const {
  for (const Parameter<T>* parameter : model_.op().parameters())
    parameter->variable.clear_gradient();
  step.batch = static_cast<std::int64_t>(batch.size());
  step.comm = groups_.all();
  const Slab mine = slab(step.batch, groups_.group(), groups_.groups());
  step.first_sample = mine.first;
  if (mine.count == 0 && !has_buffers_) return 0;
  const Tensor<T> x(with_samples(mine.count, data_->x_shape()));
  const Tensor<T> y(with_samples(mine.count, data_->y_shape()));
  const auto read = [&] {
    data_->read(
        batch.subspan(static_cast<std::size_t>(mine.first), static_cast<std::size_t>(mine.count)),
        x, y);
  };
  // The others of the group wait for this rank's points from here on.
  if (groups_.divided())
    groups_.space().together(read);
  else if (mine.count > 0)
    read();
  input_.encode_in_place(x);
  if (!decode_) output_.encode_in_place(y);
  const TrainingMode mode(step);
  Tape<T> tape;
  const Variable<T> input(x);
  Variable<T> prediction = groups_.divided() ? model_.op().forward(std::span(&input, 1), grid_)
                                             : model_.op().forward(input);
  if (decode_) prediction = decode(prediction);
  const Variable<T> loss = loss_(prediction, y, step.batch);
  prediction = Variable<T>();  // its memory can go as soon as the tape is done with it
  tape.backward(loss);
  return static_cast<double>(loss.value().item());
}

#define NOPAL_INSTANTIATE(T)                                                                    \
  template class BatchGradients<T>;                                                             \
  template BatchGradients<T> batch_gradients<T>(                                                \
      const Model<T>&, std::shared_ptr<const Dataset<T>>, const TrainOptions&, LossFunction<T>, \
      const RankGroups&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
