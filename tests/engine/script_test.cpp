// TorchScript files as runs: the two wrappers of docs/bring-your-own-model.md, and what each file that breaks the contract is told.
#include <gtest/gtest.h>

#include <torch/csrc/jit/api/module.h>

#include <regex>
#include <sstream>

#include "api/platform_time.h"
#include "core/base/rng.h"
#include "core/behaviours/pilot.h"
#include "core/dream/player.h"
#include "core/engine/run_file.h"
#include "core/engine/script/script_recipe.h"
#include "core/engine/system.h"
#include "core/engine/trainer.h"
#include "core/models/script_model.h"
#include "core/nn/generator.h"
#include "tests/support/trusting.h"

#ifndef EXPECT_SAYS
#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)
#endif

namespace dream {
namespace script_test {

using test::script_golden;

constexpr std::int64_t batch = 2, steps = 3;

class ScriptTest : public ::testing::Test {
 protected:
  ScriptTest() { torch::set_num_threads(1); }
  static std::shared_ptr<System> open(const std::string& name) {
    user().agree(script_golden(name));
    return load_system(load_run(script_golden(name)), "cpu");
  }
  static std::string refusal(const std::string& name) {
    return test::message_of<Error>([&] { open(name); });
  }
  static test::Trusting& user() {
    static test::Trusting all;
    return all;
  }
  void SetUp() override { user(); }
  torch::NoGradGuard no_grad_;
};

/// As make_script_models.py makes them.
torch::Tensor picture(std::int64_t t) {
  const auto axis = [](std::int64_t n, std::vector<std::int64_t> shape) { return torch::arange(n, torch::kInt64).view(shape); };
  const auto sum = axis(batch, {-1, 1, 1, 1}) * 17 + axis(64, {1, -1, 1, 1}) * 7 + axis(64, {1, 1, -1, 1}) * 3 + axis(3, {1, 1, 1, -1}) * 50 + t * 11;
  return sum.remainder(256).to(torch::kUInt8);
}
torch::Tensor action(std::int64_t t, std::int64_t size) {
  const auto b = torch::arange(batch, torch::kInt64).view({-1, 1}), a = torch::arange(size, torch::kInt64).view({1, -1});
  return (b + 2 * a + 3 * t).remainder(5).to(torch::kFloat32) / 5;
}

class Recorded {
 public:
  explicit Recorded(const std::string& name) : said_(Checkpoint::load(script_golden(name + ".safetensors"))) {}
  void expect(const std::string& where, const torch::Tensor& ours) {
    const auto found = said_.tensors.find(where);
    ASSERT_NE(found, said_.tensors.end()) << where;
    ASSERT_EQ(ours.sizes(), found->second.sizes()) << where;
    EXPECT_LE((ours - found->second).abs().max().item<double>(), 1e-5) << where;
    said_.tensors.erase(found);
  }
  void expect(const std::string& where, const Carry& ours) {
    for (const auto& [name, tensor] : ours)
      if (name != "first") expect(where + "/" + name, tensor.view_as(said_.tensors.at(where + "/" + name)));  // [B] there, [B, 1] here
  }
  void expect(const std::string& where, const Prediction& ours) {
    auto& theirs = said_.tensors.at(where + "/frame");
    theirs = theirs.clamp(0, 1);  // as it is shown
    expect(where + "/frame", ours.frame.slice(2, 0, 64, 8).slice(3, 0, 64, 8));
    expect(where + "/reward", ours.reward);
    expect(where + "/done", ours.done);
  }
  std::size_t left() const { return said_.tensors.size(); }

 private:
  Checkpoint said_;
};

class Wrappers : public ScriptTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(Wrappers, SayHereWhatTheySayInPython) {
  const std::string name = GetParam();
  auto system = open(name + ".pt");
  auto& model = dynamic_cast<ScriptModel&>(*system->model);
  const auto spaces = system->make_env()->spaces();
  EXPECT_EQ(spaces.image_height, 64);
  const auto size = static_cast<std::int64_t>(spaces.action.size());
  Recorded python(name);
  auto carry = model.initial(batch);
  for (std::int64_t t = 0; t < steps; ++t) {
    // What led to the first picture is not looked at.
    carry = model.observe(carry, action(t, size), {picture(t), {}}, make_generator(torch::kCPU, static_cast<std::uint64_t>(t + 1)));
    python.expect("observe" + std::to_string(t), carry);
  }
  python.expect("seen", model.predict(carry));
  const auto bound = [](const std::vector<float>& ends) { return torch::tensor(ends); };
  const auto did = model.act(carry, make_generator(torch::kCPU, 1));
  const auto wanted = Checkpoint::load(script_golden(name + ".safetensors")).tensors.at("act/action");
  EXPECT_LE((did - torch::minimum(torch::maximum(wanted, bound(spaces.action.low)), bound(spaces.action.high))).abs().max().item<double>(), 1e-5);
  for (std::int64_t t = 0; t < steps; ++t) {
    carry = model.imagine(carry, action(t + 5, size), {}, make_generator(torch::kCPU, static_cast<std::uint64_t>(t + 11)));
    python.expect("imagine" + std::to_string(t), carry);
  }
  python.expect("dreamt", model.predict(carry));
  EXPECT_EQ(python.left(), 1u) << "all but the act";
}

TEST_P(Wrappers, AreTheBlocksOfTheDocumentInFewerThanFortyLines) {
  const auto document = test::read_bytes(std::filesystem::path(DREAMSCOPE_SOURCE_DIR) / "docs" / "bring-your-own-model.md");
  const auto name = std::string("wrap_") + (std::string(GetParam()) == "ctallec" ? "ctallec" : "dreamerv3_torch");
  const auto begin = document.find("```python " + name + "\n");
  ASSERT_NE(begin, std::string::npos);
  const auto from = document.find('\n', begin) + 1, to = document.find("```\n", from);
  const auto block = document.substr(from, to - from);
  EXPECT_LT(std::count(block.begin(), block.end(), '\n'), 40);
  EXPECT_SAYS(test::read_bytes(script_golden("wrappers.txt")), name + ' ' + sha256(block.data(), block.size()) + '\n')
      << "run tests/golden/make_script_models.py: its models were made by another block than the document shows";
}

TEST_P(Wrappers, DreamInThePlayerAndRewindToTheLastBit) {
  const auto system = open(std::string(GetParam()) + ".pt");
  Player player;
  player.load(system, "mine");
  player.set_coupling(Coupling::drift, 0);
  double now = now_seconds();
  std::vector<std::pair<std::int64_t, std::vector<std::uint8_t>>> lived;
  const auto dreamt = [&] {
    const auto view = player.view();
    for (const auto& frame : view->frames)
      if (frame.name == "dream" && frame.image) return frame.image->pixels;
    return std::vector<std::uint8_t>();
  };
  for (int i = 0; i < 6; ++i) {
    player.step(now += 0.1);
    const auto view = player.view();
    lived.emplace_back(view->timeline.line[view->timeline.present].id, dreamt());
    ASSERT_FALSE(lived.back().second.empty());
  }
  player.go_to(lived[2].first);
  EXPECT_EQ(dreamt(), lived[2].second);
  for (std::size_t i = 3; i < lived.size(); ++i) {
    player.step(now += 0.1);
    EXPECT_EQ(dreamt(), lived[i].second) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Both, Wrappers, ::testing::Values("ctallec", "dreamerv3"));

TEST_F(ScriptTest, AnExportIsTheSameProgramAndIsAskedForLikewise) {
  test::TempFolder folder;
  Checkpoint out;
  std::string print;
  {
    const auto system = open("good.pt");
    print = fingerprint(*system);
    system->store_weights(out);
    const auto run = load_run(script_golden("good.pt"));
    for (const char* key : {"recipe", "environment", "config"}) out.metadata[key] = run.text(key);
    out.metadata[run_format_key] = std::to_string(run_format);
  }
  std::filesystem::create_directories(folder / "run");
  out.save(folder / "run" / "checkpoint.safetensors");
  const auto again = load_system(load_run(checkpoint_path(folder / "run")), "cpu");
  EXPECT_EQ(fingerprint(*again), print);
  EXPECT_EQ(again->recipe, "torchscript");
  const auto carry = again->model->initial(1);
  EXPECT_EQ(carry.at("h").sizes(), (std::vector<std::int64_t>{1, 3}));
  Trainer::Options none;
  EXPECT_EQ(Trainer::open(folder / "run", none, "cpu")->system().phases.size(), 0u);
  const test::Trusting stranger;
  EXPECT_THROW(load_system(load_run(checkpoint_path(folder / "run")), "cpu"), Untrusted);
}

TEST_F(ScriptTest, WeightsOfAnotherProgramDoNotTakeItsPlaceUnseen) {
  const auto system = open("good.pt");
  auto other = load_run(script_golden("good.pt"));
  system->load_weights(other);  // the same
  EXPECT_EQ(system->model->initial(1).size(), 2u);
  other.tensors[program_key] = other.tensors.at(program_key).clone();
  other.tensors[program_key][40] += 1;
  system->load_weights(other);
  EXPECT_SAYS(test::message_of<Error>([&] { system->model->initial(1); }), "another program");
}

TEST_F(ScriptTest, NothingOfItIsReadBeforeItIsTrusted) {
  const test::Trusting stranger;
  for (const auto* name : {"good.pt", "raises.pt", "missing.pt", "no_world.pt"}) {
    try {
      load_run(script_golden(name));
      FAIL() << name;
    } catch (const Untrusted& asked) {
      const auto bytes = test::read_bytes(script_golden(name));
      EXPECT_EQ(asked.sha256, sha256(bytes.data(), bytes.size()));
      EXPECT_SAYS(std::string(asked.what()), name);
    }
  }
  // One that has been changed by a byte since is another program.
  test::TempFolder folder;
  auto bytes = test::read_bytes(script_golden("good.pt"));
  stranger.agree(script_golden("good.pt"));
  bytes[10] ^= 1;  // when its first entry was made: no checksum covers that
  test::write_bytes(folder / "good.pt", bytes);
  EXPECT_THROW(load_run(folder / "good.pt"), Untrusted);
}

TEST_F(ScriptTest, EachBrokenRuleIsASentence) {
  EXPECT_SAYS(refusal("missing.pt"), "no method `decode`");
  EXPECT_SAYS(refusal("no_world.pt"), "'environment'");
  EXPECT_SAYS(refusal("other_world.pt"), "Nowhere");
  EXPECT_SAYS(refusal("wrong_batch.pt"), "`imagine` returned 'h' of shape [1, 3] for a batch of 2");
  EXPECT_SAYS(refusal("wrong_shape.pt"), "`observe` returned 'h' as Float [2, 6], and `initial` as Float [1, 3]");
  EXPECT_SAYS(refusal("wrong_name.pt"), "`imagine` returned no 'h'");
  EXPECT_SAYS(refusal("raises.pt"), "RuntimeError: nothing to see here");
  EXPECT_SAYS(refusal("nan.pt"), "`observe` returned 'h' with a number that is not finite");
  EXPECT_SAYS(refusal("other_chance.pt"), "`imagine` gives another 'h' for the same state and generator");
  EXPECT_SAYS(refusal("in_place.pt"), "`imagine` changes in place");
  EXPECT_SAYS(refusal("no_probability.pt"), "'done' that is no probability");
  EXPECT_SAYS(refusal("wide_act.pt"), "`act` returned [2, 3]; [2, 1] was expected");
  EXPECT_SAYS(refusal("foreign_name.pt"), "`decode` returned 'picture'");
  EXPECT_SAYS(refusal("wrong_belief.pt"), "'prior_probabilities' as [2, 2, 4]");
  EXPECT_SAYS(refusal("no_latent.pt"), "'latent' is 'z'");
  for (const auto* name : {"missing.pt", "wrong_batch.pt", "raises.pt", "nan.pt"}) EXPECT_SAYS(refusal(name), name);
}

TEST_F(ScriptTest, WhatIsNoProgramIsSaid) {
  const auto said = [](const std::filesystem::path& file) { return test::message_of<Error>([&] { load_run(file); }); };
  EXPECT_SAYS(said(script_golden("exported.pt2")), "torch.export");
  EXPECT_SAYS(said(script_golden("exported.pt2")), "torch.jit.save");
  const auto weights = script_golden("..") / "state_dict" / "plain.pt";
  EXPECT_SAYS(said(weights), "weights without the code");
  EXPECT_SAYS(said(script_golden("..") / "vmc" / "vmc.npz"), "none that PyTorch has written");
  EXPECT_EQ(foreign_file(weights), ForeignFile::weights);
  EXPECT_EQ(foreign_file(script_golden("exported.pt2")), ForeignFile::exported);
  EXPECT_EQ(foreign_file(script_golden("good.pt")), ForeignFile::script);
  EXPECT_EQ(foreign_file(script_golden("good.safetensors")), ForeignFile::none);
  test::TempFolder folder;
  auto bytes = test::read_bytes(script_golden("good.pt"));
  test::write_bytes(folder / "cut.pt", bytes.substr(0, bytes.size() / 2));
  EXPECT_SAYS(said(folder / "cut.pt"), "cut.pt' is cut off");
  bytes[bytes.find("def observe")] ^= 1;
  test::write_bytes(folder / "changed.pt", bytes);
  user().agree(folder / "changed.pt");
  EXPECT_SAYS(said(folder / "changed.pt"), "changed.pt' is damaged: its entry 'good/code/");
  RunSpec spec;
  spec.recipe = "torchscript";
  EXPECT_SAYS(test::message_of<Error>([&] { make_system(spec); }), "begins no run and learns nothing");
}

/// Python does not ask what the first argument of a method is called.
TEST_F(ScriptTest, TheModuleItselfMayBeCalledAnything) {
  torch::jit::Module module("Plain");
  module.register_attribute("environment", c10::StringType::get(), "Pendulum");
  module.define(R"(
    def initial(me, batch: int) -> Dict[str, Tensor]:
      return {"h": torch.zeros([batch, 3])}
    def observe(me, carry: Dict[str, Tensor], action: Tensor, vector: Tensor) -> Dict[str, Tensor]:
      return {"h": vector}
    def imagine(me, carry: Dict[str, Tensor], action: Tensor) -> Dict[str, Tensor]:
      return {"h": carry["h"] + action}
    def decode(me, carry: Dict[str, Tensor]) -> Dict[str, Tensor]:
      return {"reward": carry["h"][:, 0]}
  )");
  test::TempFolder folder;
  module.save((folder / "me.pt").string());
  user().agree(folder / "me.pt");
  const auto system = load_system(load_run(folder / "me.pt"), "cpu");
  EXPECT_EQ(system->environment, "Pendulum");
}

TEST_F(ScriptTest, DamagedFilesAreRefusedInWords) {
  test::TempFolder folder;
  const auto whole = test::read_bytes(script_golden("good.pt"));
  Rng rng(3);
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    auto bytes = i % 3 == 0 ? whole.substr(0, whole.size() * static_cast<std::size_t>(i) / 60) : whole;
    for (int k = 0; k < 4 && !bytes.empty(); ++k)
      bytes[static_cast<std::size_t>(rng.uniform(0, static_cast<double>(bytes.size())))] ^= static_cast<char>(1 + static_cast<int>(rng.uniform(0, 255)));
    test::write_bytes(folder / "damaged.pt", bytes);
    user().agree(folder / "damaged.pt");
    const auto text = test::message_of<Error>([&] { load_system(load_run(folder / "damaged.pt"), "cpu"); });
    refused += !text.empty();
    if (text.empty()) continue;
    EXPECT_SAYS(text, "damaged.pt");
  }
  EXPECT_GT(refused, 20);
}

TEST_F(ScriptTest, WhatFailsLaterLeavesTheDreamWhereItWas) {
  const auto system = open("raises_later.pt");
  auto& model = *system->model;
  auto carry = model.initial(1);
  const auto rng = make_generator(torch::kCPU, 1);
  for (int i = 0; i < 2; ++i) carry = model.imagine(carry, torch::zeros({1, 1}), {}, rng);
  const auto kept = carry.at("h").clone();
  std::string said;
  for (int i = 0; i < 6 && said.empty(); ++i)
    said = test::message_of<Error>([&] { carry = model.imagine(carry, torch::zeros({1, 1}), {}, rng); });
  EXPECT_SAYS(said, "raises_later.pt: `imagine` failed");
  EXPECT_SAYS(said, "out of the world");
  carry = model.observe(model.initial(1), torch::zeros({1, 1}), {{}, torch::zeros({1, 3})}, rng);
  EXPECT_TRUE(carry.at("h").isfinite().all().item<bool>());
}

TEST_F(ScriptTest, ItsStateIsShownAndCanBeEdited) {
  const auto system = open("good.pt");
  auto& model = *system->model;
  EXPECT_EQ(model.probe_names(), (std::vector<std::string>{"state/h", "program/map", "program/norm", "program/row"}));
  auto carry = model.edit(model.initial(2), "state/h", 1, 0.75);
  EXPECT_EQ(carry.at("h")[1][1].item<float>(), 0.75f);
  const auto names = model.probe_names();
  ProbeSink sink({names.begin(), names.end()});
  model.report(carry, sink);
  const auto probes = sink.take();
  ASSERT_EQ(probes.size(), 4u);
  EXPECT_TRUE(probes[0].editable);
  EXPECT_EQ(std::get<Vector>(*probes[0].value).values, (std::vector<float>{0, 0.75f, 0}));
  EXPECT_EQ(std::get<Heatmap>(*probes[1].value).cols, 3);
  EXPECT_EQ(std::get<Scalar>(*probes[2].value).value, 0.5625);
  EXPECT_EQ(std::get<Vector>(*probes[3].value).values[1], 1.5f);
  EXPECT_NE(test::message_of<Error>([&] { model.edit(carry, "program/row", 0, 1); }), "");
  EXPECT_NE(test::message_of<Error>([&] { model.edit(carry, "state/h", 3, 1); }), "");
  EXPECT_EQ(model.features(carry).sizes(), (std::vector<std::int64_t>{2, 3}));
}

TEST_F(ScriptTest, WhatItBelievesOfItsLatentCanBeMeasured) {
  const auto system = open("believes.pt");
  auto& model = *system->model;
  const auto carry = model.edit(model.initial(2), "state/h", 0, 3);
  const auto belief = model.belief(carry);
  EXPECT_TRUE(torch::equal(belief.latent, carry.at("h")));
  EXPECT_EQ(belief.prior.mean.sizes(), (std::vector<std::int64_t>{2, 3, 1}));
  EXPECT_EQ(belief.posterior.mean.sizes(), (std::vector<std::int64_t>{2, 3, 2}));
  EXPECT_NEAR(belief.posterior.log_weights[0][0][1].item<double>(), std::log(0.25), 1e-6);
  EXPECT_TRUE(belief.prior.log_deviation.eq(0).all().item<bool>());
  const auto anew = [&](std::uint64_t seed) { return model.randomise(carry, "state/h", make_generator(torch::kCPU, seed)).at("h"); };
  EXPECT_TRUE(torch::equal(anew(1), anew(1)));
  EXPECT_FALSE(torch::equal(anew(1), anew(2)));
  EXPECT_LT((anew(1) - carry.at("h")).abs().max().item<double>(), 5) << "its deviation is 1";
  EXPECT_NE(test::message_of<Error>([&] { open("good.pt")->model->randomise(carry, "state/h", make_generator(torch::kCPU, 1)); }), "");
  const auto joined = model.with_latent(model.initial(2), carry);
  EXPECT_TRUE(torch::equal(joined.at("h"), carry.at("h")));
  EXPECT_TRUE(torch::equal(joined.at("first"), model.initial(2).at("first")));
  EXPECT_FALSE(open("good.pt")->model->belief(carry).latent.defined());
}

TEST_F(ScriptTest, KnobsBendTheDream) {
  const auto system = open("ctallec.pt");
  auto& model = *system->model;
  ASSERT_EQ(model.knobs().size(), 1u);
  EXPECT_EQ(model.knobs()[0].group.name, temperature.name);
  const auto at = [&](double tau) { return model.imagine(model.initial(1), torch::zeros({1, 3}), {{"temperature", tau}}, make_generator(torch::kCPU, 4)).at("z"); };
  EXPECT_TRUE(torch::equal(at(1), at(1)));
  EXPECT_FALSE(torch::equal(at(1), at(2)));
}

}  // namespace script_test
}  // namespace dream
