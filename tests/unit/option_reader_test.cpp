// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/io/option_reader.hpp>

#include <functional>

namespace nopal {
namespace {

using Json = nlohmann::json;

struct Values {
  bool flag = true;
  std::int64_t count = 3;
  double rate = 0.5;
  std::string kind = "a";
  std::vector<std::int64_t> list = {1, 2};

  Json read(const Json& json) {
    OptionReader read(json, "owner");
    read("flag", flag);
    read("count", count, 1);
    read("rate", rate, 0, 1);
    read.choice("kind", kind, {"a", "bc"});
    read("list", list);
    return read.finish();
  }
};

TEST(OptionReader, ReadsWhatIsThereAndReturnsAll) {
  Values values;
  const Json all = values.read({{"count", 7}, {"rate", 1}, {"list", {4}}});
  EXPECT_EQ(values.count, 7);
  EXPECT_EQ(values.rate, 1.0);
  EXPECT_EQ(values.list, std::vector<std::int64_t>{4});
  EXPECT_EQ(all, (Json{{"flag", true}, {"count", 7}, {"rate", 1.0}, {"kind", "a"}, {"list", {4}}}));
  EXPECT_TRUE(all["rate"].is_number_float());
  EXPECT_EQ(Values().read(nullptr)["rate"], 0.5);
}

TEST(OptionReader, ErrorsNameOwnerOptionValueAndWhatIsExpected) {
  const auto message = [](const Json& json) -> std::string {
    try {
      Values().read(json);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message({{"flag", 1}}), "owner: option 'flag' is 1; expected true or false");
  EXPECT_EQ(message({{"count", 2.5}}),
            "owner: option 'count' is 2.5; expected an integer, at least 1");
  EXPECT_EQ(message({{"count", 0}}), "owner: option 'count' is 0; expected an integer, at least 1");
  EXPECT_EQ(message({{"count", 18446744073709551615u}}),
            "owner: option 'count' is 18446744073709551615; expected an integer, at least 1");
  EXPECT_EQ(message({{"rate", 1.5}}), "owner: option 'rate' is 1.5; expected a number from 0 to 1");
  EXPECT_EQ(message({{"kind", "b"}}), "owner: option 'kind' is 'b'; did you mean 'a'? (a, bc)");
  EXPECT_EQ(message({{"kind", 2}}), "owner: option 'kind' is 2; expected a string");
  EXPECT_EQ(message({{"list", {1, "x"}}}),
            "owner: option 'list' is [1,\"x\"]; expected a list of integers");
  EXPECT_EQ(message({{"raet", 1}}), "owner: unknown option 'raet'; did you mean 'rate'?");
  EXPECT_EQ(message(Json::array({1})), "owner: the options must be a JSON object, got [1]");
}

}  // namespace
}  // namespace nopal
