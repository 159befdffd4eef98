// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/option_reader.hpp>
#include <nopal/train/schedule.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace nopal {
namespace {

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
  WarmSchedule(double rate, OptionReader& read) : rate_(rate) {
    read("warmup", warmup_, 0, 1e9);
    read("warmup_start", warmup_start_, 0, 1);
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

  double rate_, warmup_ = 0, warmup_start_ = 0.01;
  Json configuration_;
};

// A function of the epochs since the warm-up.
class FormulaSchedule : public WarmSchedule {
 public:
  FormulaSchedule(const std::string& name, double rate, const Json& given, std::int64_t epochs)
      : FormulaSchedule(name, rate, OptionReader(given, "schedule " + name), epochs) {}

 protected:
  double rate_after(const TrainPosition& position) const override {
    const double t = epochs_done(position) - warmup_;
    return formula_(per_batch_ ? t : std::floor(t));
  }

 private:
  FormulaSchedule(const std::string& name, double rate, OptionReader read, std::int64_t epochs)
      : WarmSchedule(rate, read) {
    if (name == "constant") {
      formula_ = [rate](double) { return rate; };
    } else {
      read("per_batch", per_batch_);
      if (name == "step") {
        std::int64_t size = 100;
        double gamma = 0.5;
        read("step_size", size, 1);
        read("gamma", gamma, 0);
        formula_ = [rate, gamma, size = static_cast<double>(size)](double e) {
          return rate * std::pow(gamma, std::floor(e / size));
        };
      } else if (name == "milestones") {
        std::vector<double> at, factors;
        read("milestones", at);
        read("factors", factors);
        NOPAL_CHECK(at.size() == factors.size() && std::is_sorted(at.begin(), at.end()),
                    "schedule milestones: expected rising milestones and as many factors, got ",
                    at.size(), " and ", factors.size());
        formula_ = [=](double e) {
          const auto passed = std::upper_bound(at.begin(), at.end(), e) - at.begin();
          return passed == 0 ? rate : rate * factors[static_cast<std::size_t>(passed - 1)];
        };
      } else if (name == "inverse_time") {
        double size = 1, gamma = 1e-4;
        read("step_size", size, 1e-9);
        read("gamma", gamma, 0);
        formula_ = [=](double e) { return rate / (1 + gamma * e / size); };
      } else if (name == "exponential") {
        double gamma = 0.99;
        read("gamma", gamma, 0);
        formula_ = [=](double e) { return rate * std::pow(gamma, e); };
      } else {
        double period = std::max(1.0, static_cast<double>(epochs) - warmup_), low = 0;
        read("t_max", period, 1e-9);
        read("eta_min", low, 0);
        formula_ = [=](double e) { return anneal(rate, low, e / period); };
      }
    }
    configuration_ = read.finish();
  }

  bool per_batch_ = false;
  std::function<double(double)> formula_;
};

class OneCycleSchedule : public WarmSchedule {
 public:
  OneCycleSchedule(double rate, const Json& given, std::int64_t epochs)
      : OneCycleSchedule(rate, OptionReader(given, "schedule onecycle"), epochs) {}

  double momentum(const TrainPosition& position) const override {
    return cycle_momentum_ ? value(position, max_momentum_, base_momentum_, max_momentum_) : none;
  }

 protected:
  double rate_after(const TrainPosition& position) const override {
    const double first = rate_ / div_factor_;
    return value(position, first, rate_, first / final_div_factor_);
  }

 private:
  OneCycleSchedule(double rate, OptionReader read, std::int64_t epochs) : WarmSchedule(rate, read) {
    epochs_ = std::max(1.0, static_cast<double>(epochs) - warmup_);
    read("epochs", epochs_, 1e-9);
    read("pct_start", pct_start_, 0, 1);
    read("div_factor", div_factor_, 1e-300);
    read("final_div_factor", final_div_factor_, 1e-300);
    read("per_batch", per_batch_);
    read("cycle_momentum", cycle_momentum_);
    read("base_momentum", base_momentum_, 0, 1);
    read("max_momentum", max_momentum_, 0, 1);
    configuration_ = read.finish();
  }

  // Two phases, counted in steps: start -> peak -> end.
  double value(const TrainPosition& position, double start, double peak, double end) const {
    // Torch's schedule knows steps; recipes that call it once an epoch count epochs.
    const TrainPosition at =
        per_batch_ ? position : TrainPosition{position.epoch, position.epochs, 0, 1};
    const auto batches = static_cast<double>(at.batches);
    const double total = std::round(epochs_ * batches);
    const double step = std::max(
        0.0, static_cast<double>(at.epoch * at.batches + at.batch) - std::round(warmup_ * batches));
    const double top = pct_start_ * total - 1, last = total - 1;
    const auto fraction = [&](double from, double to) {
      return to > from ? std::min(1.0, (step - from) / (to - from)) : 1.0;
    };
    return step <= top ? anneal(start, peak, fraction(0, top))
                       : anneal(peak, end, fraction(top, last));
  }

  double epochs_, pct_start_ = 0.3, div_factor_ = 25, final_div_factor_ = 1e4;
  double base_momentum_ = 0.85, max_momentum_ = 0.95;
  bool cycle_momentum_ = false, per_batch_ = true;
};

class PlateauSchedule : public WarmSchedule {
 public:
  PlateauSchedule(double rate, const Json& given)
      : PlateauSchedule(rate, OptionReader(given, "schedule plateau")) {}

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
  PlateauSchedule(double rate, OptionReader read) : WarmSchedule(rate, read), current_(rate) {
    read("factor", factor_, 0, 1);
    read("patience", patience_, 0);
    read("threshold", threshold_, 0, 1);
    read("cooldown", cooldown_, 0);
    read("min_lr", min_rate_, 0);
    configuration_ = read.finish();
  }

  double current_, factor_ = 0.1, threshold_ = 1e-4, min_rate_ = 0;
  std::int64_t patience_ = 10, cooldown_ = 0;
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
  const std::vector<std::string> names{"constant",   "cosine",   "exponential", "inverse_time",
                                       "milestones", "onecycle", "plateau",     "step"};
  NOPAL_CHECK(std::find(names.begin(), names.end(), name) != names.end(), "unknown schedule '",
              name, "'", suggestion(name, names));
  return std::make_unique<FormulaSchedule>(name, learning_rate, options, epochs);
}

}  // namespace nopal
