#pragma once
#include <gtest/gtest.h>

#include "api/error.h"
#include "core/engine/brought/brought.h"
#include "core/engine/run_file.h"
#include "core/engine/system.h"
#include "tests/data/temp_folder.h"

namespace dream::test {

class BroughtTest : public ::testing::Test {
 protected:
  using Tensors = std::map<std::string, torch::Tensor>;
  BroughtTest() { torch::set_num_threads(1); }

  std::filesystem::path written(const Tensors& tensors, const std::string& name = "theirs.safetensors") {
    Checkpoint file;
    file.tensors = tensors;
    file.save(folder_ / name);
    return folder_ / name;
  }
  Brought brought(const Tensors& tensors, const std::string& kind, const std::string& world = "DynaMaze") {
    BroughtSpec spec;
    spec.files = {written(tensors)}, spec.kind = kind, spec.environment = world, spec.settings = {"train.bfloat16=false"};
    return bring(spec);
  }
  /// It is refused, in a sentence with all of these.
  void refused(const Tensors& tensors, const std::string& kind, const std::vector<std::string>& parts, const std::string& world = "DynaMaze") {
    try {
      brought(tensors, kind, world);
      ADD_FAILURE() << "not refused: " << parts[0];
    } catch (const Error& error) {
      for (const auto& part : parts) EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << part << " in " << error.what();
    }
  }
  /// Opened again from a file, as every program does.
  std::unique_ptr<System> opened(const Brought& what) {
    what.run.save(folder_ / "run.safetensors");
    return load_system(load_run(folder_ / "run.safetensors"), "cpu");
  }
  TempFolder folder_;
};

}  // namespace dream::test
