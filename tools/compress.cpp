// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "commands.hpp"
#include "common.hpp"

#include <nopal/operators/compression.hpp>

#include <cstdio>

namespace nopal::tools {

int compress_command(Options& options, const Communicator& comm) {
  const std::string model_file =
      options.required("model_file", "FILE", "fno with dense weights (safetensors)");
  const std::string out = options.required("out", "FILE", "model to write (safetensors)");
  CompressionOptions request;
  request.factorization =
      options.choice("factorization", "tucker", {"tucker", "tt"}, "form of the weights");
  request.rank = options.real("rank", 0.1, "share of the dense numbers that is left", 0);
  request.joint_factorization = options.flag("joint", false, "all layers as one tensor");
  request.fixed_rank_modes = options.flag(
      "fixed_rank_modes", false, "tucker: axes of modes (joint: of layers) are not compressed");
  options.note(
      "Go on with: nopal train -start OUT -data ... (fine-tuning), nopal evaluate -model_file OUT");
  if (!options.ready()) return 0;
  options.check_files({{"-model_file", model_file}}, {{"-out", out}});

  const Model<float> model = Model<float>::load(model_file, comm);
  std::vector<double> errors;
  const Model<float> small = compressed(model, request, &errors);
  small.save(out, comm);
  if (comm.rank() > 0) return 0;
  for (std::size_t l = 0; l < errors.size(); ++l)
    std::printf("layer %zu: relative error of the weights %.4f\n", l, errors[l]);
  std::printf("%s: %lld numbers, %s had %lld\n", out.c_str(),
              static_cast<long long>(count(small.op().parameters())), model_file.c_str(),
              static_cast<long long>(count(model.op().parameters())));
  return 0;
}

}  // namespace nopal::tools
