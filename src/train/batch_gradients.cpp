// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "train/batch_gradients.hpp"

#include "data/dataset_checks.hpp"

namespace nopal::detail {

template <class T>
BatchGradients<T>::BatchGradients(const Model<T>& model, std::shared_ptr<const Dataset<T>> data,
                                  const TrainOptions& options, LossFunction<T> loss)
    : model_(model),
      data_(std::move(data)),
      loss_(loss ? std::move(loss) : make_loss<T>(options.loss, options.boundary)),
      collective_(!model.op().buffers().empty()),
      decode_(options.decode_loss) {
  const Normaliser<T>& output = model.output_normaliser();
  if (decode_ && !output.identity())
    deviation_ = Normaliser<T>(Tensor<T>::zeros(output.mean().shape()), output.deviation());
}

// Physical units inside the tape: z deviation + mean, whose adjoint is the same map with mean 0.
template <class T>
Variable<T> BatchGradients<T>::decode(const Variable<T>& z) const {
  if (model_.output_normaliser().identity()) return z;
  Tensor<T> value = model_.output_normaliser().decode(z.value());
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
  const Slab mine = slab(step.batch, step.comm.rank(), step.comm.size());
  step.first_sample = mine.first;
  if (mine.count == 0 && !collective_) return 0;
  const Tensor<T> x(with_samples(mine.count, data_->x_shape()));
  const Tensor<T> y(with_samples(mine.count, data_->y_shape()));
  if (mine.count > 0)
    data_->read(
        batch.subspan(static_cast<std::size_t>(mine.first), static_cast<std::size_t>(mine.count)),
        x, y);
  model_.input_normaliser().encode_in_place(x);
  if (!decode_) model_.output_normaliser().encode_in_place(y);
  const TrainingMode mode(step);
  Tape<T> tape;
  Variable<T> prediction = model_.op().forward(Variable<T>(x));
  if (decode_) prediction = decode(prediction);
  const Variable<T> loss = loss_(prediction, y, step.batch);
  prediction = Variable<T>();  // its memory can go as soon as the tape is done with it
  tape.backward(loss);
  return static_cast<double>(loss.value().item());
}

template class BatchGradients<float>;
template class BatchGradients<double>;

}  // namespace nopal::detail
