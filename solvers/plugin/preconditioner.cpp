// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "plugin/preconditioner.hpp"

#include "plugin/direction_preconditioner.hpp"
#include "plugin/multigrid_preconditioner.hpp"
#include "plugin/subspace_preconditioner.hpp"

namespace nopal::detail {

std::unique_ptr<Preconditioner> make_preconditioner(Mat matrix, DM dm,
                                                    const PreconditionerOptions& options,
                                                    const std::string& prefix) {
  const bool in_bfloat16 = options.precision == Precision::bfloat16;
  const auto check_precision = [&] {
    NOPAL_CHECK(!in_bfloat16, "option -", prefix, "pc_nopal_precision bfloat16 is for direction ",
                "networks, the model is ", options.model, ": use single");
  };
  if (options.model == "pod" || options.model == "untrained" || options.model == "chebyshev")
    check_precision();
  if (options.model == "pod")
    return std::make_unique<SubspacePreconditioner>(nullptr, options, matrix, dm, prefix);
  GridLayout layout(matrix, dm, options.grid, options.periodic, "-" + prefix + "pc_nopal_grid");
  std::unique_ptr<Model<float>> model;
  if (options.model != "untrained" && options.model != "chebyshev") {
    model = std::make_unique<Model<float>>(Model<float>::load(options.model, layout.grid().comm()));
    const std::string name = model->op().name();
    if (name == "direction_net") {
      if (in_bfloat16) dynamic_cast<DirectionNet<float>&>(model->op()).store_in_bfloat16();
      if (options.precision != Precision::double_precision)
        return std::make_unique<DirectionPreconditioner<float>>(std::move(layout), std::move(model),
                                                                matrix);
      auto exact =
          std::make_unique<Model<double>>(Model<double>::load(options.model, layout.grid().comm()));
      return std::make_unique<DirectionPreconditioner<double>>(std::move(layout), std::move(exact),
                                                               matrix);
    }
    check_precision();
    if (name != "multigrid")
      return std::make_unique<SubspacePreconditioner>(
          std::make_unique<GridLayout>(std::move(layout)), options, matrix, dm, prefix);
  }
  return std::make_unique<MultigridPreconditioner>(std::move(layout), std::move(model), options);
}

}  // namespace nopal::detail
