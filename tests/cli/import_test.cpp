// `import`: weights that PyTorch has saved become a run, and mistakes are a sentence.
#include "core/nn/torch.h"

#include <torch/csrc/jit/serialization/pickle.h>

#include <fstream>

#include "core/engine/run_file.h"
#include "core/engine/system.h"
#include "core/nn/checkpoint.h"
#include "tests/cli/cli_fixture.h"
#include "tests/cli/python_with_torch.h"
#include "tests/support/brought_files.h"

namespace dream {
namespace import_test {

/// As torch.save writes a dict, by LibTorch.
void save_as_torch(const std::filesystem::path& file, const test::TheirFile& tensors) {
  c10::Dict<std::string, torch::Tensor> dict;
  for (const auto& [name, tensor] : tensors) dict.insert(name, tensor);
  const auto bytes = torch::jit::pickle_save(dict);
  std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

class Import : public test::CliTest {};

TEST_F(Import, MakesARunOfWhatTorchHasSaved) {
  const auto theirs = test::diamond_file();
  save_as_torch(folder_ / "theirs.pt", theirs);
  const auto said = good({"import", path("theirs.pt"), "--as", "diamond", "--env", "DynaMaze", "--out", path("run"), "--threads", "1"});
  EXPECT_SAYS(said, "13536584 values");  // 4,405,955 + 128 frequencies + 5,900,864 + 3,229,637
  const auto info = good({"info", path("run")});
  EXPECT_SAYS(info, "diamond: theirs.pt, SHA-256 ");
  EXPECT_SAYS(info, "none: an export");
  const auto run = load_run(checkpoint_path(path("run")));
  EXPECT_TRUE(torch::equal(run.tensors.at("model/denoiser.in.weight"), theirs.at("denoiser.inner_model.conv_in.weight")));
  EXPECT_TRUE(torch::equal(run.tensors.at("behaviour/critic.bias"), theirs.at("actor_critic.critic_linear.bias")));
}

TEST_F(Import, SaysWhatIsPassedOver) {
  save_as_torch(folder_ / "last.pt", test::iris_file());
  const auto result = run({"import", path("last.pt"), "--as", "iris", "--env", "DynaMaze", "--out", path("it.safetensors"), "--threads", "1"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_SAYS(result.err, "passed over: 1 tensor of LPIPS");
  EXPECT_SAYS(result.err, "passed over: 2 tensors of masks and places");
  EXPECT_TRUE(std::filesystem::is_regular_file(path("it.safetensors")));
}

/// What Python's torch.save wrote of the same numbers is the same run.
TEST_F(Import, ReadsWhatPythonHasSaved) {
  const auto python = test::python_with_torch();
  if (python.empty()) GTEST_SKIP() << "no Python here can import torch";
  Checkpoint theirs;
  theirs.tensors = test::iris_file();
  theirs.save(folder_ / "theirs.safetensors");
  std::ofstream(folder_ / "save.py") << R"(
import json, struct, sys, torch
raw = open(sys.argv[1], "rb").read()
size = struct.unpack("<Q", raw[:8])[0]
types = {"F32": torch.float32, "I64": torch.int64}
state = {n: torch.frombuffer(bytearray(raw[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]]), dtype=types[t["dtype"]]).view(t["shape"])
         for n, t in json.loads(raw[8:8 + size]).items() if n != "__metadata__"}
torch.save({"agent": state, "epoch": 600}, sys.argv[2])
)";
  const auto line = python + " '" + path("save.py") + "' '" + path("theirs.safetensors") + "' '" + path("theirs.pt") + "' 2> '" + path("said") + "'";
  ASSERT_EQ(std::system(line.c_str()), 0) << test::read_bytes(folder_ / "said");
  for (const std::string kind : {"safetensors", "pt"})
    good({"import", path("theirs." + kind), "--as", "iris", "--env", "DynaMaze", "--out", path("of_" + kind), "--threads", "1"});
  EXPECT_EQ(fingerprint(*load_system(load_run(checkpoint_path(path("of_pt"))), "cpu")),
            fingerprint(*load_system(load_run(checkpoint_path(path("of_safetensors"))), "cpu")));
}

TEST_F(Import, MistakesAreASentence) {
  auto theirs = test::diamond_file();
  save_as_torch(folder_ / "theirs.pt", theirs);
  const auto with = [&](const std::string& file, const std::string& kind, const std::string& world, const std::string& out) {
    return Arguments{"import", path(file), "--as", kind, "--env", world, "--out", path(out)};
  };
  bad(with("theirs.pt", "diamant", "DynaMaze", "run"), "did you mean 'diamond'?");
  bad(with("theirs.pt", "iris", "DynaMaze", "run"), "has no weights of the kind iris");
  bad(with("theirs.pt", "diamond", "KeyDoor", "run"), "KeyDoor has 5 choices");
  bad(with("theirs.pt", "diamond", "Nowhere", "run"), "Nowhere");
  bad(with("none.pt", "diamond", "DynaMaze", "run"), "none.pt");
  std::ofstream(folder_ / "empty.pt");
  bad(with("empty.pt", "diamond", "DynaMaze", "run"), "empty.pt");
  theirs.erase("actor_critic.lstm.bias_hh");
  save_as_torch(folder_ / "less.pt", theirs);
  bad(with("less.pt", "diamond", "DynaMaze", "run"), "there is no 'actor_critic.lstm.bias_hh', and our 'behaviour/lstm.bias_hh' [2048]");
  const auto half = test::read_bytes(folder_ / "theirs.pt");
  std::ofstream(folder_ / "half.pt", std::ios::binary) << half.substr(0, half.size() / 2);
  bad(with("half.pt", "diamond", "DynaMaze", "run"), "half.pt");
  EXPECT_FALSE(std::filesystem::exists(path("run")));
}

}  // namespace import_test
}  // namespace dream
