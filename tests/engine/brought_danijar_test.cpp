// What danijar/dreamerv3 has saved as a run: weights of the golden dumps, and a checkpoint that its own code wrote
// (tests/golden/make_danijar_agent.py), by way of scripts/bring_danijar.py.
#include <cstdlib>
#include <fstream>

#include "core/behaviours/actor_critic.h"
#include "core/models/rssm.h"
#include "core/nn/categorical.h"
#include "core/nn/generator.h"
#include "tests/engine/brought_fixture.h"
#include "tests/models/golden_cases.h"

namespace dream {
namespace brought_danijar_test {

using test::Golden;

const std::string golden_agent = DREAMSCOPE_SOURCE_DIR "/tests/golden/dreamer/v3_24_agent.pkl";

/// An array in a pickle, as numpy writes one (protocol 4).
std::string pickled(const std::string& kind, const std::vector<int>& shape, const std::string& bytes, bool by_column = false) {
  std::string text = "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK";
  text += std::string("\0\x85", 2) + "C\x01" + "b\x87R(K\x01(";
  for (const auto n : shape) text += std::string("K") + static_cast<char>(n);
  text += "tcnumpy\ndtype\n" + kind + "\x89\x88\x87R(K\x03\x8c\x01<NNNK\x01K\x01K" + std::string(1, '\0') + "tb";
  return text + (by_column ? "\x88" : "\x89") + "C" + static_cast<char>(bytes.size()) + bytes + "tb";
}
std::string pickled_text(const std::string& text) {
  return std::string("\x8c") + static_cast<char>(text.size()) + text;
}
const std::string f4 = "\x8c\x02" "f4", bfloat16 = "cml_dtypes\nbfloat16\n";

class BroughtDanijar : public test::BroughtTest {
 protected:
  /// What the script says of `saved`; its tensors are in out().
  std::string script(const std::filesystem::path& saved, bool good) {
    const auto said = folder_ / "said";
    const auto line = "python3 '" DREAMSCOPE_SOURCE_DIR "/scripts/bring_danijar.py' '" + saved.string() + "' '" + out().string() + "' > '" +
                      said.string() + "' 2>&1";
    EXPECT_EQ(std::system(line.c_str()) == 0, good) << test::read_bytes(said);
    return test::read_bytes(said);
  }
  std::filesystem::path out() { return folder_ / "out.safetensors"; }
  Tensors of_agent() {
    script(golden_agent, true);
    return Checkpoint::load(out()).tensors;
  }
  /// A pickle of {'params': {…}} and what the script says of it.
  std::string of_params(const std::string& items, bool good) {
    std::ofstream(folder_ / "agent.pkl", std::ios::binary) << "\x80\x04}(" << pickled_text("params") << "}(" << items << "uu.";
    return script(folder_ / "agent.pkl", good);
  }
  void close(const char* what, const torch::Tensor& ours, const torch::Tensor& expected) {
    const auto error = test::relative_error(ours, expected);
    EXPECT_LT(error, 1e-5) << what;
    RecordProperty(what, std::to_string(error * 1e6) + "e-6");  // for the test's report
  }
  /// What model and actor-critic make of the dump's observations.
  void says_what_the_code_says(Rssm& model, ActorCritic& agent, const Golden& golden, const SequenceBatch& batch) {
    Observation seen;
    if (batch.image.defined()) seen.image = batch.image.flatten(0, 1);
    seen.vector = batch.vector.flatten(0, 1);
    const auto rng = make_generator(torch::kCPU, 1);
    const auto filtered = model.filter(model.encode(seen, rng), batch, rng, test::given_of(golden));
    const auto unimix = model.options().unimix;
    close("deter", filtered.h, golden.steps("out/deter"));
    close("posterior", filtered.posterior, test::statistics_of(golden, "out/post", unimix).transpose(0, 1));
    close("prior", filtered.prior, test::statistics_of(golden, "out/prior", unimix).transpose(0, 1));
    const Carry carry = {{"h", filtered.h.flatten(0, 1)}, {"z", filtered.z.flatten(0, 1)}};
    const auto discount = model.options().discount;
    const auto outcome = model.outcome(carry);
    close("reward", outcome.reward, golden.steps("out/reward").flatten());
    close("continue", (1 - outcome.done) * discount, golden.steps("out/cont").flatten().clamp_max(discount));
    const auto features = model.features(carry);
    const auto children = model.named_children();
    close("vector", children["vector_decoder"]->as<MlpImpl>()->forward(features), golden.steps("out/decoder_vector_symlog").flatten(0, 1));
    const auto value = golden.has("out/value") ? "out/value" : "out/replay_value";
    close("value", agent.value(features), golden.steps(value).flatten());
    if (batch.image.defined()) {
      const auto picture = torch::sigmoid(children["image_decoder"]->as<ImageDecoderImpl>()->forward(carry.at("z"), carry.at("h")));
      close("picture", picture[0].slice(1, 0, 64, 3).slice(2, 0, 64, 3).permute({1, 2, 0}), golden("out/decoder_image_0_0_every3"));
      close("picture's mean", picture.mean({2, 3}), golden.steps("out/decoder_image_mean").flatten(0, 1));
    }
  }
  void acts(ActorCritic& agent, const torch::Tensor& features, const Golden& golden, const std::function<torch::Tensor(const char*)>& said) {
    const auto output = agent.named_children()["actor"]->as<MlpImpl>()->forward(features);
    if (golden.has("out/actor_logits")) return close("policy", agent.policy().probabilities(output), torch::softmax(said("out/actor_logits"), -1));
    const auto [mean, deviation] = agent.policy().mean_deviation(output);
    close("policy's mean", mean, said("out/actor_mean"));
    close("policy's deviation", deviation, said("out/actor_std"));
  }
};

TEST_F(BroughtDanijar, SaysWhatTheDumpsSay) {
  torch::NoGradGuard no_grad;
  for (const auto& each : test::golden_cases()) {
    if (each.constants != "2024") continue;
    SCOPED_TRACE(each.file);
    const Golden golden(each.file);
    TheirWeights theirs;
    theirs.origin = "'theirs.safetensors'";
    const auto dump = Checkpoint::load(DREAMSCOPE_SOURCE_DIR "/tests/golden/dreamer/" + each.file + ".safetensors");
    for (const auto& [name, tensor] : dump.tensors)
      if (name.starts_with("weight/")) theirs.tensors[name.substr(7)] = tensor;
    theirs.tensors["retnorm/lo/value"] = golden("in/retnorm")[0], theirs.tensors["retnorm/hi/value"] = golden("in/retnorm")[1];
    theirs.tensors["opt/step/value"] = torch::zeros({}), theirs.tensors["slowval_count/value"] = torch::zeros({});
    const auto plan = brought_danijar().plan(theirs);
    auto options = test::options_of(each);
    const auto has = [&](const char* setting) { return std::ranges::find(plan.settings, setting) != plan.settings.end(); };
    for (const auto* setting : {"world.deter=16", "world.hidden=12", "world.blocks=8", "world.units=12", "world.bins=255", "world.vector_layers=2",
                                "world.prior_layers=2", "world.posterior_layers=1", "world.reward_layers=1", "behaviour.actor_layers=2"})
      EXPECT_TRUE(has(setting)) << setting;
    EXPECT_TRUE(has(each.image ? "world.observe=both" : "world.observe=vector") && has(each.image ? "world.depth=2" : "world.paint=false"));
    EXPECT_EQ(has("behaviour.unimix=0"), each.discrete);
    if (each.discrete) options.behaviour.unimix = 0;
    EXPECT_EQ(plan.actions, each.discrete ? 3 : 2);

    const auto spaces = test::spaces_of(each);
    Rssm model(options.world, spaces);
    ActorCritic agent(model.feature_count(), spaces.action, options.behaviour);
    Checkpoint run;
    store_module(run, "model", model);
    store_module(run, "behaviour", agent);
    leave_out_slow_copies(run, "behaviour");
    EXPECT_EQ(take_theirs(run, theirs, plan).size(), 2u);
    load_module(run, "model", model);
    load_module(run, "behaviour", agent);
    EXPECT_TRUE(torch::equal(agent.named_buffers()["return_range"], golden("in/retnorm")));
    says_what_the_code_says(model, agent, golden, test::batch_of(golden, each));
    // Imagined states, batch-first; the one before them is the posterior.
    const auto features = torch::cat({golden("in/imag_stoch").flatten(2), golden("out/imag_deter")}, -1);
    acts(agent, features, golden, [&](const char* name) { return golden(name).slice(1, 1); });
  }
}

TEST_F(BroughtDanijar, ACheckpointOfTheirsIsARun) {
  torch::NoGradGuard no_grad;
  const auto theirs = of_agent();
  for (const auto& [name, tensor] : theirs) EXPECT_TRUE(!name.starts_with("opt/") && tensor.scalar_type() == torch::kFloat32) << name;
  const auto what = brought(theirs, "danijar", "CartPoleSwingUp");
  ASSERT_EQ(what.remarks.size(), 1u);
  EXPECT_NE(what.remarks[0].find("the slow critic"), std::string::npos) << what.remarks[0];
  const auto system = opened(what);
  auto& agent = dynamic_cast<ActorCritic&>(*system->behaviour);
  EXPECT_TRUE(torch::equal(agent.named_buffers()["return_range"], torch::tensor({-1.5f, 2.0f})));
  const Golden golden("v3_24_agent");
  test::GoldenCase as;
  as.image = true;
  const auto batch = test::batch_of(golden, as);
  auto& model = dynamic_cast<Rssm&>(*system->model);
  says_what_the_code_says(model, agent, golden, batch);
  acts(agent, torch::cat({golden("in/post_stoch").flatten(2), golden("out/deter")}, -1), golden, [&](const char* name) { return golden(name); });

  auto rng = make_generator(torch::kCPU, 1);
  const auto next = model.imagine(model.initial(1), torch::zeros({1, 1}), {}, rng);
  EXPECT_EQ(model.predict(next).frame.sizes(), (at::IntArrayRef{1, 3, 64, 64}));
}

TEST_F(BroughtDanijar, SeesVectorsOrPicturesAlone) {
  const auto whole = of_agent();
  const auto without = [&](const std::vector<std::string>& parts) {
    auto theirs = whole;
    for (const auto& part : parts) std::erase_if(theirs, [&](const auto& each) { return each.first.starts_with(part); });
    return theirs;
  };
  const auto rows = whole.at("dyn/obs0/kernel");  // of h, of vectors, of pictures
  auto vectors = without({"enc/cnn", "dec/sp", "dec/conv", "dec/imgout"});
  vectors["dyn/obs0/kernel"] = rows.slice(0, 0, 16 + 12).clone();
  const auto sees_vectors = opened(brought(vectors, "danijar", "CartPoleSwingUp"));
  EXPECT_EQ(dynamic_cast<Rssm&>(*sees_vectors->model).options().observe, Sees::vector);
  EXPECT_FALSE(sees_vectors->model->predict(sees_vectors->model->initial(1)).frame.defined());

  auto pictures = without({"enc/mlp", "dec/mlp", "dec/vec", "pol/head"});
  pictures["dyn/obs0/kernel"] = torch::cat({rows.slice(0, 0, 16), rows.slice(0, 16 + 12)});
  pictures["dyn/dynin2/kernel"] = torch::ones({3, 12});
  pictures["pol/head/action/logits/kernel"] = torch::ones({10, 3}), pictures["pol/head/action/logits/bias"] = torch::ones({3});
  const auto sees_pictures = opened(brought(pictures, "danijar", "Catch"));
  auto& model = dynamic_cast<Rssm&>(*sees_pictures->model);
  EXPECT_EQ(model.options().observe, Sees::image);
  const auto kernel = model.named_parameters()["posterior.layer0.linear.weight"];
  EXPECT_TRUE(torch::equal(kernel, pictures.at("dyn/obs0/kernel").t()));
}

TEST_F(BroughtDanijar, WhatDoesNotFitIsNamedByBothNamesAndShapes) {
  const auto whole = of_agent();
  const auto refuses = [&](const std::function<void(Tensors&)>& change, const std::vector<std::string>& parts) {
    auto theirs = whole;
    change(theirs);
    refused(theirs, "danijar", parts, "CartPoleSwingUp");
  };
  refuses([](auto& t) { t.erase("dyn/dyngru/bias"); }, {"there is no 'dyn/dyngru/bias'", "'model/cell.gates.bias' [8, 1, 6]"});
  refuses([](auto& t) { t.erase("pol/head/action/stddev/kernel"); }, {"there is no 'pol/head/action/stddev/kernel'", "takes [1, 10] from it"});
  refuses([](auto& t) { t.erase("val/mlp/linear0/kernel"); }, {"there is no 'val/mlp/linear0/kernel'"});
  refuses([](auto& t) { t.erase("dyn/dynin0/kernel"); }, {"has no weights of the kind danijar", "bring_danijar.py"});
  refuses([](auto& t) { t["dyn/dynhid1/kernel"] = torch::zeros({8, 2, 2}); }, {"'dyn/dynhid1/kernel' [8, 2, 2] is left over"});
  refuses([](auto& t) { t["valnorm/mean/value"] = torch::zeros({}); }, {"'valnorm/mean/value' [] is left over"});
  refuses([](auto& t) { t["dyn/obs0/kernel"] = torch::zeros({155, 12}); },
          {"'dyn/obs0/kernel' has the shape [155, 12]", "'model/posterior.layer0.linear.weight' [12, 156]"});
  refuses([](auto& t) { t["dyn/dynhid0/bias"] = torch::zeros({15}); }, {"'dyn/dynhid0/bias' has the shape [15]", "[8, 1, 2]"});
  refuses([](auto& t) { t["enc/cnn1/kernel"] = torch::zeros({5, 5, 6, 4}); }, {"'enc/cnn1/kernel' has the shape [5, 5, 6, 4]", "[6, 4, 5, 5]"});
  refuses([](auto& t) { t["dec/sp0/kernel"] = torch::zeros({8, 2, 36}); }, {"pictures of 96 x 96 pixels"});
  refuses([](auto& t) { t["pol/head/other/mean/kernel"] = torch::zeros({10, 1}); }, {"takes 2 actions at once"});
  refuses([](auto& t) { t["dec/vec/token/logits/kernel"] = torch::zeros({12, 7}); }, {"sees 'token' as a choice"});
  refuses([](auto& t) { t["dec/vec/more/pred/kernel"] = torch::zeros({12, 1}), t["dec/vec/more/pred/bias"] = torch::zeros({1}); },
          {"'model/vector_decoder.out.", "has 6 rows"});
  refuses([](auto& t) { std::erase_if(t, [](const auto& each) { return each.first.starts_with("dec/vec/"); }); }, {"to decode them"});
  refused(whole, "danijar", {"actions of 1", "Catch has 3 choices"}, "Catch");
}

TEST_F(BroughtDanijar, TheScriptFindsTheLatestSave) {
  const auto save = folder_ / "logdir" / "ckpt" / "20260101T000000F000000";
  std::filesystem::create_directories(save);
  std::filesystem::copy(golden_agent, save / "agent.pkl");
  std::ofstream(folder_ / "logdir" / "ckpt" / "latest") << save.filename().string();
  for (const auto& place : {save / "agent.pkl", save, save.parent_path(), folder_ / "logdir"}) {
    std::filesystem::remove(out());
    EXPECT_NE(script(place, true).find("tensors of '" + (save / "agent.pkl").string() + "'"), std::string::npos);
    EXPECT_TRUE(Checkpoint::load(out()).tensors.contains("slowval_count/value"));
  }
}

TEST_F(BroughtDanijar, TheScriptReadsWhatArraysCanBe) {
  const std::string floats("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40\0\0\xa0\x40\0\0\xc0\x40", 24);  // 1 … 6
  const std::string halves("\x80\x3f\0\x40\x40\x40\x80\x40", 8);                                           // 1 … 4
  const auto item = [](const char* name, const std::string& value) { return pickled_text(name) + value; };
  of_params(item("dyn/dynin0/kernel", pickled(f4, {2, 3}, floats)) + item("opt/x", "cnumpy\ndtype\n") +
                item("columns", pickled(f4, {2, 3}, floats, true)) + item("half", pickled(bfloat16, {4}, halves)) + item("one", pickled(f4, {}, floats.substr(4, 4))),
            true);
  const auto found = Checkpoint::load(out()).tensors;
  EXPECT_EQ(found.size(), 4u);
  EXPECT_TRUE(torch::equal(found.at("dyn/dynin0/kernel"), torch::tensor({{1.f, 2.f, 3.f}, {4.f, 5.f, 6.f}})));
  EXPECT_TRUE(torch::equal(found.at("columns"), torch::tensor({{1.f, 3.f, 5.f}, {2.f, 4.f, 6.f}})));
  EXPECT_TRUE(torch::equal(found.at("half"), torch::tensor({1.f, 2.f, 3.f, 4.f})));
  EXPECT_TRUE(torch::equal(found.at("one"), torch::tensor(2.f)));
}

TEST_F(BroughtDanijar, TheScriptRunsNothingAndSaysWhatIsWrong) {
  const std::string four("\0\0\x80\x3f", 4);
  const auto refuses = [&](const std::string& items, const std::string& part) {
    const auto said = of_params(items, false);
    EXPECT_NE(said.find(part), std::string::npos) << said;
    EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
    EXPECT_FALSE(std::filesystem::exists(out()));
  };
  const auto marker = pickled_text("dyn/dynin0/kernel");
  refuses(marker + "cos\nsystem\n" + pickled_text("touch '" + (folder_ / "run").string() + "'") + "\x85R", "'os.system'");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run"));
  for (const std::string name : {"builtins\neval", "numpy\nload", "jax._src.array\n_reconstruct_array", "optax._src.base\nEmptyState"})
    refuses(marker + "c" + name + "\n", "it asks for '" + std::string(name).replace(name.find('\n'), 1, ".") + "'");
  refuses(pickled_text("enc/cnn0/kernel") + pickled(f4, {1}, four), "there is no 'dyn/dynin0/kernel'");
  refuses(marker + pickled(f4, {2}, four), "the shape of 'dyn/dynin0/kernel'");
  refuses(marker + pickled("\x8c\x02O8", {1}, four), "the shape of 'dyn/dynin0/kernel'");
  refuses(marker + "K\x01", "the shape of 'dyn/dynin0/kernel'");
  refuses(marker + "0000", "no pickle that can be read");
  EXPECT_NE(script(folder_ / "none.pkl", false).find("none.pkl"), std::string::npos);
  EXPECT_NE(script(folder_ / "", false).find("no pickle"), std::string::npos);
}

}  // namespace brought_danijar_test
}  // namespace dream
