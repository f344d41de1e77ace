#include "core/nn/state_dict.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "core/base/rng.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace state_dict_test {

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(DREAMSCOPE_SOURCE_DIR) / "tests" / "golden" / "state_dict" / name;
}

torch::Tensor eighths(std::vector<std::int64_t> sizes) {
  std::int64_t count = 1;
  for (const auto size : sizes) count *= size;
  return torch::arange(count, torch::kFloat32).view(sizes) / 8;
}

TEST(StateDict, AModulesWeightsByTheirNames) {
  for (const auto* name : {"plain.pt", "module.pt"}) {
    ASSERT_TRUE(is_torch_save(golden(name)));
    const auto found = read_state_dict(golden(name));
    ASSERT_EQ(found.tensors.size(), 4u) << name;
    EXPECT_TRUE(torch::equal(found.tensors.at("0.weight"), eighths({4, 3})));
    EXPECT_TRUE(torch::equal(found.tensors.at("0.bias"), eighths({4})));
    EXPECT_TRUE(torch::equal(found.tensors.at("1.weight"), eighths({2, 1, 3, 3})));
  }
  EXPECT_EQ(read_state_dict(golden("module.pt")).rest.at("1"), "torch.nn.modules.conv.Conv2d") << "a name, and nothing is run";
}

TEST(StateDict, ACheckpointOfATrainingScript) {
  const auto found = read_state_dict(golden("checkpoint.pt"));
  EXPECT_TRUE(torch::equal(found.tensors.at("model.0.weight"), eighths({4, 3})));
  EXPECT_TRUE(torch::equal(found.tensors.at("turned"), eighths({4, 3}).t()));
  EXPECT_TRUE(torch::equal(found.tensors.at("row"), eighths({4, 3})[2]));
  EXPECT_TRUE(torch::equal(found.tensors.at("half"), torch::ones({2}, torch::kFloat16)));
  EXPECT_TRUE(torch::equal(found.tensors.at("counts"), torch::tensor({std::int64_t{-1}, std::int64_t{1} << 40})));
  EXPECT_EQ(found.tensors.at("empty").sizes(), (std::vector<std::int64_t>{0, 3}));
  EXPECT_EQ(found.rest.at("epoch"), "3");
  EXPECT_EQ(found.rest.at("rate"), "0.5");
  EXPECT_EQ(found.rest.at("note"), "\"good\"");
  EXPECT_FALSE(found.rest.contains("none"));
}

TEST(StateDict, WhatCannotBeReadIsNamed) {
  const auto said = [](const std::filesystem::path& path) {
    try {
      read_state_dict(path);
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  EXPECT_NE(said(golden("old.pt")).find("before 1.6"), std::string::npos) << said(golden("old.pt"));
  EXPECT_TRUE(is_torch_save(golden("old.pt")));
  EXPECT_FALSE(is_torch_save(golden("..") / "make_state_dict.py"));
  EXPECT_NE(said(golden("nothing.pt")).find("nothing.pt"), std::string::npos);
  // Damage of any kind is an error or other numbers, and no more.
  const test::TempFolder folder;
  const auto whole = test::read_bytes(golden("checkpoint.pt"));
  Rng rng(3);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    auto bytes = whole;
    for (int flips = 0; flips < 3; ++flips) bytes[rng.integers(bytes.size())] = static_cast<char>(rng.integers(256));
    if (i % 10 == 0) bytes.resize(rng.integers(bytes.size()));
    test::write_bytes(folder / "torn.pt", bytes);
    refused += !said(folder / "torn.pt").empty();
  }
  EXPECT_GT(refused, 30);
}

}  // namespace state_dict_test
}  // namespace dream
