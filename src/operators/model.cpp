// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/runtime.hpp>
#include <nopal/io/json_text.hpp>
#include <nopal/io/option_reader.hpp>
#include <nopal/operators/model.hpp>

#include <nlohmann/json.hpp>

#include <mutex>
#include <set>
#include <sstream>

namespace nopal {
namespace {

constexpr const char* format_name = "nopal.model";
constexpr const char* format_version = "1";

// A newer file may hold what this library would silently leave out, and there was none before 1.
void check_version(const std::string& text, const std::string& name) {
  if (text == format_version) return;
  const bool number =
      !text.empty() && text.size() < 9 && text.find_first_not_of("0123456789") == std::string::npos;
  NOPAL_CHECK(number && std::stol(text) < std::stol(format_version), name,
              ": model format version ", printable(text), " is not known to nopal ", version(),
              ", which reads version ", format_version,
              number ? ": the file is of a newer nopal; update this one, or write the file again "
                       "with this one"
                     : "");
  NOPAL_CHECK(false, name, ": model format version ", printable(text),
              " was never written by a nopal, whose first is ", format_version,
              ": the file is damaged; copy it again, or train the model again");
}

// Names of the normalisers' tensors in a model file.
constexpr const char* normaliser_names[] = {"normaliser.input.mean", "normaliser.input.deviation",
                                            "normaliser.output.mean",
                                            "normaliser.output.deviation"};

std::string required(const SafetensorsFile& file, const std::string& key, const std::string& name) {
  const auto entry = file.metadata.find(key);
  NOPAL_CHECK(entry != file.metadata.end(), name, ": not a nopal model: its metadata has no '", key,
              "'");
  return entry->second;
}

// A list of names for a message, the first few of them.
class Names {
 public:
  void add(const std::string& name) {
    if (++count_ <= most) text_ += (count_ > 1 ? ", " : "") + name;
  }
  bool empty() const { return count_ == 0; }
  std::string list(const char* title) const {
    if (empty()) return "";
    return title + text_ +
           (count_ > most ? " and " + std::to_string(count_ - most) + " more;" : ";");
  }

 private:
  static constexpr int most = 8;
  int count_ = 0;
  std::string text_;
};

// The entries of a tensor of the file.
template <class T>
Tensor<T> numbers(const FileTensor& tensor, const std::string& key, const std::string& name) {
  NOPAL_CHECK(tensor.dtype == "F32" || tensor.dtype == "F64", name, ": tensor '", key,
              "' has the dtype ", tensor.dtype, ", expected F32 or F64");
  return tensor.to_tensor<T>();
}

template <class T>
Normaliser<T> normaliser(const SafetensorsFile& file, const char* mean, const char* deviation,
                         const std::string& name) {
  const auto m = file.tensors.find(mean), s = file.tensors.find(deviation);
  NOPAL_CHECK((m == file.tensors.end()) == (s == file.tensors.end()), name, ": has only one of '",
              mean, "' and '", deviation, "'");
  if (m == file.tensors.end()) return {};
  NOPAL_CHECK(m->second.shape == s->second.shape, name, ": '", mean, "' has shape ",
              m->second.shape, ", '", deviation, "' ", s->second.shape);
  return Normaliser<T>(numbers<T>(m->second, mean, name), numbers<T>(s->second, deviation, name));
}

// "64 x 32", and back; empty if the text is something else.
std::string by(const Shape& points) {
  std::string text;
  for (const std::int64_t n : points)
    text += (text.empty() ? "" : " x ") + std::to_string(n);
  return text;
}

Shape points_of(const std::string& text) {
  Shape points;
  std::istringstream stream(text);
  for (std::int64_t n = 0; points.rank() < 3 && stream >> n && n > 0;) {
    points.push_back(n);
    if (stream >> std::ws; stream.eof()) return points;
    if (stream.get() != 'x') break;
  }
  return {};
}

// Gives all ranks the file that rank 0 read.
void broadcast(const Communicator& comm, SafetensorsFile& file) {
  if (comm.size() == 1) return;
  nlohmann::json header;
  if (comm.rank() == 0) {
    header["metadata"] = file.metadata;
    header["tensors"] = nlohmann::json::object();
    for (const auto& [key, tensor] : file.tensors)
      header["tensors"][key] = {
          {"dtype", tensor.dtype},
          {"shape", std::vector<std::int64_t>(tensor.shape.begin(), tensor.shape.end())}};
  }
  header = nlohmann::json::parse(comm.broadcast(json_text(header)));
  if (comm.rank() > 0) file.metadata = header["metadata"].get<std::map<std::string, std::string>>();
  for (const auto& [key, entry] : header["tensors"].items()) {
    FileTensor& tensor = file.tensors[key];
    if (comm.rank() > 0) {
      tensor.dtype = entry["dtype"].get<std::string>();
      const auto shape = entry["shape"].get<std::vector<std::int64_t>>();
      tensor.shape = Shape(shape.begin(), shape.end());
    }
    const std::string bytes = comm.broadcast(std::string(tensor.bytes.begin(), tensor.bytes.end()));
    if (comm.rank() > 0) tensor.bytes.assign(bytes.begin(), bytes.end());
  }
}

}  // namespace

template <class T>
struct Model<T>::Warned {
  std::mutex mutex;
  Shape grid;
};

template <class T>
Model<T>::Model(std::unique_ptr<Operator<T>> op, Normaliser<T> input, Normaliser<T> output)
    : operator_(std::move(op)),
      input_(std::move(input)),
      output_(std::move(output)),
      warned_(std::make_shared<Warned>()) {}

template <class T>
void Model<T>::set_normalisers(Normaliser<T> input, Normaliser<T> output) {
  input_ = std::move(input);
  output_ = std::move(output);
}

template <class T>
void Model<T>::check_spacing(const Shape& points) const {
  if (training_grid_.rank() == 0 || points == training_grid_ || !operator_->depends_on_spacing())
    return;
  const std::scoped_lock lock(warned_->mutex);
  if (warned_->grid == points) return;
  warned_->grid = points;
  if (Communicator::world().rank() == 0)
    log(detail::concatenate(
        "warning: this ", operator_->name(), " was trained on grids of ", by(training_grid_),
        " points and is used on one of ", by(points),
        " points: its weights belong to the spacing of the former; expect large errors, or train ",
        "a model for this grid"));
}

template <class T>
Tensor<T> Model<T>::predict(const Tensor<T>& x) const {
  NOPAL_CHECK(operator_ != nullptr, "predict() of an empty model");
  if (x.rank() > 2) check_spacing(Shape(x.shape().begin() + 1, x.shape().end() - 1));
  const Variable<T> y = operator_->forward(Variable<T>(input_.identity() ? x : input_.encode(x)));
  output_.decode_in_place(y.value());
  return y.value();
}

template <class T>
Tensor<T> Model<T>::predict(const Tensor<T>& x, const Grid& grid) const {
  NOPAL_CHECK(operator_ != nullptr, "predict() of an empty model");
  if (grid.comm().size() == 1) return predict(x);
  check_spacing(grid.extents());
  const Variable<T> input = input_.identity() ? x : input_.on(grid).encode(x);
  const Variable<T> y = operator_->forward(std::span(&input, 1), grid);
  output_.on(grid).decode_in_place(y.value());
  return y.value();
}

template <class T>
Tensor<T> Model<T>::predict(const Tensor<T>& x, std::span<const Tensor<T>> others) const {
  NOPAL_CHECK(operator_ != nullptr, "predict() of an empty model");
  std::vector<Variable<T>> inputs{input_.identity() ? x : input_.encode(x)};
  inputs.insert(inputs.end(), others.begin(), others.end());
  const Variable<T> y = operator_->forward(inputs);
  output_.decode_in_place(y.value());
  return y.value();
}

template <class T>
Tensor<T> Model<T>::predict_points(std::span<const Tensor<T>> functions,
                                   const Tensor<T>& points) const {
  NOPAL_CHECK(operator_ != nullptr, "predict_points() of an empty model");
  NOPAL_CHECK(dynamic_cast<const PointOperator<T>*>(operator_.get()) != nullptr, operator_->name(),
              " maps fields on grids; only operators like deeponet are asked for at points");
  NOPAL_CHECK(output_.identity() || output_.mean().rank() == 1, operator_->name(),
              ": this model's outputs are normalised by point, ", output_.mean().shape(),
              ", and are known there only; normalise them by channel");
  std::vector<Variable<T>> inputs(functions.begin(), functions.end());
  if (!input_.identity() && !inputs.empty()) {
    // The values of the function as the field (B, ..., C) that the statistics are of.
    const Tensor<T>& first = functions[0];
    const std::int64_t numbers = input_.mean().size();
    NOPAL_CHECK(first.rank() == 2 && first.extent(1) % numbers == 0, operator_->name(),
                ": a function of shape ", first.shape(), " has no ", numbers,
                " normalised numbers a point");
    Shape field{first.extent(0)};
    if (input_.mean().rank() == 1) field.push_back(first.extent(1) / numbers);
    for (const std::int64_t n : input_.mean().shape())
      field.push_back(n);
    inputs[0] = input_.encode(first.reshape(field)).reshape(first.shape());
  }
  inputs.push_back(points);
  const Variable<T> y = operator_->forward(inputs);
  output_.decode_in_place(y.value());
  return y.value();
}

template <class T>
void Model<T>::predict(const Tensor<T>& x, const Tensor<T>& y) const {
  const Tensor<T> result = predict(x);
  NOPAL_CHECK(result.shape() == y.shape(), "predict: the output has shape ", result.shape(),
              ", the tensor to write to ", y.shape());
  y.copy_from(result);
}

template <class T>
SafetensorsFile Model<T>::to_file() const {
  NOPAL_CHECK(operator_ != nullptr, "an empty model cannot be saved");
  SafetensorsFile file;
  for (const auto& [key, value] : state_tensors(*operator_))
    file.tensors[key] = FileTensor::from_tensor(value);
  if (!input_.identity()) {
    file.tensors[normaliser_names[0]] = FileTensor::from_tensor(input_.mean());
    file.tensors[normaliser_names[1]] = FileTensor::from_tensor(input_.deviation());
  }
  if (!output_.identity()) {
    file.tensors[normaliser_names[2]] = FileTensor::from_tensor(output_.mean());
    file.tensors[normaliser_names[3]] = FileTensor::from_tensor(output_.deviation());
  }
  file.metadata = provenance_;
  if (training_grid_.rank() > 0) file.metadata["training_grid"] = by(training_grid_);
  file.metadata["format"] = format_name;
  file.metadata["format_version"] = format_version;
  file.metadata["operator"] = operator_->name();
  file.metadata["configuration"] = json_text(operator_->configuration());
  file.metadata["nopal_version"] = version();
  file.metadata["nopal_commit"] = commit();
  return file;
}

template <class T>
Model<T> Model<T>::from_file(const SafetensorsFile& file, const std::string& name) {
  const std::string format = required(file, "format", name);
  NOPAL_CHECK(format == format_name, name, ": not a nopal model: its format is '",
              printable(format), "'");
  check_version(required(file, "format_version", name), name);
  const auto configuration =
      parse_options(required(file, "configuration", name), name + ": the model's configuration");

  // Building an operator takes memory in proportion to what its configuration says; a file whose
  // configuration promises more parameters than it holds must not get that far.
  double stored = 0;
  for (const auto& [key, tensor] : file.tensors)
    stored += static_cast<double>(tensor.shape.size());
  Model model;
  model.warned_ = std::make_shared<Warned>();
  try {
    model.operator_ = make_operator<T>(required(file, "operator", name), configuration, 0, stored);
  } catch (const Error& error) {
    NOPAL_CHECK(false, name, ": ", error.what());
  }

  Names missing, extra, misshapen;
  std::set<std::string> rest;
  for (const auto& [key, tensor] : file.tensors)
    if (key.rfind("checkpoint.", 0) != 0) rest.insert(key);
  for (const auto& [key, value] : state_tensors(*model.operator_)) {
    const auto entry = file.tensors.find(key);
    rest.erase(key);
    if (entry == file.tensors.end())
      missing.add(key);
    else if (entry->second.shape == value.shape())
      value.copy_from(numbers<T>(entry->second, key, name));
    else
      misshapen.add(
          detail::concatenate(key, " ", entry->second.shape, " instead of ", value.shape()));
  }
  for (const char* normaliser_name : normaliser_names)
    rest.erase(normaliser_name);
  for (const std::string& key : rest)
    extra.add(printable(key));
  NOPAL_CHECK(missing.empty() && extra.empty() && misshapen.empty(), name,
              ": the weights do not fit the model's configuration:", missing.list(" missing "),
              extra.list(" extra "), misshapen.list(" wrong shape "));

  model.input_ = normaliser<T>(file, normaliser_names[0], normaliser_names[1], name);
  model.output_ = normaliser<T>(file, normaliser_names[2], normaliser_names[3], name);
  model.provenance_ = file.metadata;
  if (const auto grid = file.metadata.find("training_grid"); grid != file.metadata.end())
    model.training_grid_ = points_of(grid->second);
  for (const char* key :
       {"format", "format_version", "operator", "configuration", "checkpoint", "online"})
    model.provenance_.erase(key);
  return model;
}

SafetensorsFile load_safetensors(const std::string& path, const Communicator& comm) {
  SafetensorsFile file;
  comm.together([&] {
    if (comm.rank() == 0) file = read_safetensors(path);
  });
  broadcast(comm, file);
  return file;
}

template <class T>
Model<T> Model<T>::load(const std::string& path, const Communicator& comm) {
  return from_file(load_safetensors(path, comm), path);
}

template <class T>
void Model<T>::save(const std::string& path, const Communicator& comm) const {
  comm.together([&] {
    if (comm.rank() == 0) write_safetensors(path, to_file());
  });
}

template class Model<float>;
template class Model<double>;

}  // namespace nopal
