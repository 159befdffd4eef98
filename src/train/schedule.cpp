// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/train/schedule.hpp>

#include "train/json_options.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace nopal {
namespace {

using detail::JsonOptions;
using Json = nlohmann::json;

constexpr double pi = 3.14159265358979323846;
constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

// From `start` (fraction 0) to `end` (fraction 1) along half a cosine.
double anneal(double start, double end, double fraction) {
  return end + (start - end) / 2 * (1 + std::cos(pi * fraction));
}

// Warm-up is common to all schedules; `after` starts from 0 when it is over.
class WarmSchedule : public Schedule {
 public:
  WarmSchedule(double rate, JsonOptions& options) : rate_(rate) {
    warmup_ = options.number("warmup", 0, 0, 1e9);
    warmup_start_ = options.number("warmup_start", 0.01, 0, 1);
  }

  Json configuration() const override { return configuration_; }

  double learning_rate(const TrainPosition& position) const override {
    const double t = epochs_done(position);
    if (t < warmup_) return rate_ * (warmup_start_ + (1 - warmup_start_) * t / warmup_);
    return rate_after(position);
  }

  double momentum(const TrainPosition&) const override { return none; }
  void end_epoch(double) override {}
  Json state() const override { return Json::object(); }
  void restore(const Json&) override {}

 protected:
  virtual double rate_after(const TrainPosition& position) const = 0;

  static double epochs_done(const TrainPosition& position) {
    return static_cast<double>(position.epoch) +
           static_cast<double>(position.batch) / static_cast<double>(position.batches);
  }

  double rate_, warmup_, warmup_start_;
  Json configuration_;
};

// A function of the epochs since the warm-up.
class FormulaSchedule : public WarmSchedule {
 public:
  FormulaSchedule(const std::string& name, double rate, const Json& given, std::int64_t epochs)
      : FormulaSchedule(name, rate, JsonOptions("schedule " + name, given), epochs) {}

 protected:
  double rate_after(const TrainPosition& position) const override {
    const double t = epochs_done(position) - warmup_;
    return formula_(per_batch_ ? t : std::floor(t));
  }

 private:
  FormulaSchedule(const std::string& name, double rate, JsonOptions options, std::int64_t epochs)
      : WarmSchedule(rate, options) {
    if (name == "constant") {
      formula_ = [rate](double) { return rate; };
    } else {
      per_batch_ = options.flag("per_batch", false);
      if (name == "step") {
        const auto size = static_cast<double>(options.integer("step_size", 100, 1));
        const double gamma = options.number("gamma", 0.5, 0, infinity);
        formula_ = [=](double e) { return rate * std::pow(gamma, std::floor(e / size)); };
      } else if (name == "exponential") {
        const double gamma = options.number("gamma", 0.99, 0, infinity);
        formula_ = [=](double e) { return rate * std::pow(gamma, e); };
      } else {
        const double planned = std::max(1.0, static_cast<double>(epochs) - warmup_);
        const double period = options.number("t_max", planned, 1e-9, infinity);
        const double low = options.number("eta_min", 0, 0, infinity);
        formula_ = [=](double e) { return anneal(rate, low, e / period); };
      }
    }
    configuration_ = options.finish();
  }

  bool per_batch_ = false;
  std::function<double(double)> formula_;
};

class OneCycleSchedule : public WarmSchedule {
 public:
  OneCycleSchedule(double rate, const Json& given, std::int64_t epochs)
      : OneCycleSchedule(rate, JsonOptions("schedule onecycle", given), epochs) {}

  double momentum(const TrainPosition& position) const override {
    return cycle_momentum_ ? value(position, max_momentum_, base_momentum_, max_momentum_) : none;
  }

 protected:
  double rate_after(const TrainPosition& position) const override {
    const double first = rate_ / div_factor_;
    return value(position, first, rate_, first / final_div_factor_);
  }

 private:
  OneCycleSchedule(double rate, JsonOptions options, std::int64_t epochs)
      : WarmSchedule(rate, options) {
    const double planned = std::max(1.0, static_cast<double>(epochs) - warmup_);
    epochs_ = options.number("epochs", planned, 1e-9, infinity);
    pct_start_ = options.number("pct_start", 0.3, 0, 1);
    div_factor_ = options.number("div_factor", 25, 1e-300, infinity);
    final_div_factor_ = options.number("final_div_factor", 1e4, 1e-300, infinity);
    cycle_momentum_ = options.flag("cycle_momentum", false);
    base_momentum_ = options.number("base_momentum", 0.85, 0, 1);
    max_momentum_ = options.number("max_momentum", 0.95, 0, 1);
    configuration_ = options.finish();
  }

  // Two phases, counted in steps: start -> peak -> end.
  double value(const TrainPosition& position, double start, double peak, double end) const {
    const auto batches = static_cast<double>(position.batches);
    const double total = std::round(epochs_ * batches);
    const double step =
        std::max(0.0, static_cast<double>(position.epoch * position.batches + position.batch) -
                          std::round(warmup_ * batches));
    const double top = pct_start_ * total - 1, last = total - 1;
    const auto fraction = [&](double from, double to) {
      return to > from ? std::min(1.0, (step - from) / (to - from)) : 1.0;
    };
    return step <= top ? anneal(start, peak, fraction(0, top))
                       : anneal(peak, end, fraction(top, last));
  }

  double epochs_, pct_start_, div_factor_, final_div_factor_, base_momentum_, max_momentum_;
  bool cycle_momentum_;
};

class PlateauSchedule : public WarmSchedule {
 public:
  PlateauSchedule(double rate, const Json& given)
      : PlateauSchedule(rate, JsonOptions("schedule plateau", given)) {}

  void end_epoch(double error) override {
    if (error < best_ * (1 - threshold_)) {
      best_ = error;
      bad_ = 0;
    } else {
      ++bad_;
    }
    if (cooling_ > 0) {
      --cooling_;
      bad_ = 0;
    }
    if (bad_ > patience_) {
      current_ = std::max(current_ * factor_, min_rate_);
      cooling_ = cooldown_;
      bad_ = 0;
    }
  }

  Json state() const override {
    Json state{{"rate", current_}, {"bad", bad_}, {"cooling", cooling_}};
    if (std::isfinite(best_)) state["best"] = best_;  // JSON has no infinity
    return state;
  }

  void restore(const Json& state) override {
    current_ = state.at("rate").get<double>();
    bad_ = state.at("bad").get<std::int64_t>();
    cooling_ = state.at("cooling").get<std::int64_t>();
    best_ = state.value("best", infinity);
  }

 protected:
  double rate_after(const TrainPosition&) const override { return current_; }

 private:
  PlateauSchedule(double rate, JsonOptions options) : WarmSchedule(rate, options), current_(rate) {
    factor_ = options.number("factor", 0.1, 0, 1);
    patience_ = options.integer("patience", 10, 0);
    threshold_ = options.number("threshold", 1e-4, 0, 1);
    cooldown_ = options.integer("cooldown", 0, 0);
    min_rate_ = options.number("min_lr", 0, 0, infinity);
    configuration_ = options.finish();
  }

  double current_, factor_, threshold_, min_rate_;
  std::int64_t patience_, cooldown_;
  double best_ = infinity;
  std::int64_t bad_ = 0, cooling_ = 0;
};

}  // namespace

std::unique_ptr<Schedule> make_schedule(const std::string& name, double learning_rate,
                                        const Json& options, std::int64_t epochs) {
  NOPAL_CHECK(learning_rate >= 0 && std::isfinite(learning_rate),
              "expected a learning rate of at least 0, got ", learning_rate);
  if (name == "onecycle") return std::make_unique<OneCycleSchedule>(learning_rate, options, epochs);
  if (name == "plateau") return std::make_unique<PlateauSchedule>(learning_rate, options);
  const std::vector<std::string> names{"constant", "cosine",  "exponential",
                                       "onecycle", "plateau", "step"};
  NOPAL_CHECK(std::find(names.begin(), names.end(), name) != names.end(), "unknown schedule \"",
              name, "\";", detail::suggestion(name, names));
  return std::make_unique<FormulaSchedule>(name, learning_rate, options, epochs);
}

}  // namespace nopal
