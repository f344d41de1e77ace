// The published models at the size of the golden dumps, and where the reference's weights lie in ours.
#pragma once
#include "core/engine/brought/their_parts.h"
#include "core/engine/dreamer/dreamer.h"
#include "core/models/rssm.h"
#include "core/nn/categorical.h"
#include "tests/models/dreamer_golden.h"

namespace dream::test {

struct GoldenCase {
  std::string file, recipe, constants;
  bool discrete, image;  // every dump but V1's has a vector of 5 numbers; V1's has pictures alone
  Layout world, behaviour;
  bool vector() const { return recipe != "dreamer-v1"; }
};

constexpr std::int64_t golden_deter = 16, golden_image_v23 = 16 * 24;

/// [N, C·4·4] as [N, 4·4·C]: NM512 flattens a picture's embedding channel by channel.
inline torch::Tensor pixels_first(const torch::Tensor& x) {
  return x.reshape({x.size(0), -1, 4, 4}).permute({0, 2, 3, 1}).flatten(1);
}

/// NM512/dreamerv3-torch: all else lies as ours does.
inline Weights world_v23(const Source& ref, bool image) {
  Weights out;
  const auto norm = [&](const std::string& ours, const std::string& theirs) {
    out[ours + ".scale"] = ref(theirs + ".weight");
    out[ours + ".shift"] = ref(theirs + ".bias");
  };
  const auto linear = [&](const std::string& ours, const std::string& theirs) {
    out[ours + ".weight"] = ref(theirs + ".weight");
    out[ours + ".bias"] = ref(theirs + ".bias");
  };
  const auto mlp = [&](const std::string& ours, const std::string& theirs) {
    for (const std::string n : {"0", "1"}) {
      out[ours + ".layer" + n + ".linear.weight"] = ref(theirs + "_linear" + n + ".weight");
      norm(ours + ".layer" + n + ".norm", theirs + "_norm" + n);
    }
  };
  const auto step = [&](const std::string& ours, const std::string& theirs) {
    out[ours + ".linear.weight"] = ref(theirs + ".0.weight");
    norm(ours + ".norm", theirs + ".1");
  };
  mlp("vector_encoder", "encoder._mlp.layers.Encoder");
  mlp("vector_decoder", "heads.decoder._mlp.layers.Decoder");
  linear("vector_decoder.out", "heads.decoder._mlp.mean_layer.vector");
  step("cell.in", "dynamics._img_in_layers");
  out["cell.gates.weight"] = ref("dynamics._cell.layers.GRU_linear.weight");
  norm("cell.gate_norm", "dynamics._cell.layers.GRU_norm");
  step("prior.layer0", "dynamics._img_out_layers");
  linear("prior.out", "dynamics._imgs_stat_layer");
  step("posterior.layer0", "dynamics._obs_out_layers");
  if (image) {
    auto& weight = out["posterior.layer0.linear.weight"];
    const auto end = golden_deter + golden_image_v23;
    weight = torch::cat(
        {weight.slice(1, 0, golden_deter), pixels_first(weight.slice(1, golden_deter, end)), weight.slice(1, end)}, 1);
  }
  linear("posterior.out", "dynamics._obs_stat_layer");
  out["initial"] = ref("dynamics.W").flatten();
  mlp("reward", "heads.reward.layers.Reward");
  linear("reward.out", "heads.reward.mean_layer");
  mlp("continue", "heads.cont.layers.Cont");
  linear("continue.out", "heads.cont.mean_layer");
  if (!image) return out;
  linear("image_decoder.dense", "heads.decoder._cnn._linear_layer");
  for (int i = 0; i < 4; ++i) {
    const auto n = std::to_string(i), at = std::to_string(3 * i), after = std::to_string(3 * i + 1);
    out["image_encoder.conv" + n + ".weight"] = ref("encoder._cnn.layers." + at + ".weight");
    norm("image_encoder.norm" + n, "encoder._cnn.layers." + after + ".norm");
    out["image_decoder.deconv" + n + ".weight"] = ref("heads.decoder._cnn.layers." + at + ".weight");
    if (i < 3) norm("image_decoder.norm" + n, "heads.decoder._cnn.layers." + after + ".norm");
  }
  out["image_decoder.deconv3.bias"] = ref("heads.decoder._cnn.layers.9.bias");
  return out;
}

inline Weights behaviour_v23(const Source& ref, bool discrete) {
  Weights out;
  for (const auto& [ours, theirs] : {std::pair<std::string, std::string>{"actor", "actor.layers.Actor"},
                                     {"critic", "value.layers.Value"},
                                     {"slow_critic", "slow_value.layers.Value"}}) {
    for (const std::string n : {"0", "1"}) {
      out[ours + ".layer" + n + ".linear.weight"] = ref(theirs + "_linear" + n + ".weight");
      out[ours + ".layer" + n + ".norm.scale"] = ref(theirs + "_norm" + n + ".weight");
      out[ours + ".layer" + n + ".norm.shift"] = ref(theirs + "_norm" + n + ".bias");
    }
  }
  for (const std::string part : {"weight", "bias"}) {
    out["critic.out." + part] = ref("value.mean_layer." + part);
    out["slow_critic.out." + part] = ref("slow_value.mean_layer." + part);
    const auto mean = ref("actor.mean_layer." + part);
    out["actor.out." + part] = discrete ? mean : torch::cat({mean, ref("actor.std_layer." + part)});
  }
  return out;
}

/// danijar/dreamerv2.
inline Weights world_v2(const Source& ref, bool discrete) {
  Mapping m{ref};
  const auto mlp = [&](const std::string& ours, const std::string& theirs, const std::string& output) {
    m.linear(ours + ".layer0.linear", theirs + "/dense0");
    m.linear(ours + ".layer1.linear", theirs + "/dense1");
    if (!output.empty()) m.linear(ours + ".out", theirs + output);
  };
  mlp("vector_encoder", "encoder", "");
  mlp("vector_decoder", "decoder", "/dense_vector/out");
  mlp("reward", "reward", "/out/out");
  m.linear("cell.in.linear", "rssm/img_in");
  m.linear("cell.gates", "rssm/gru");
  m.out["cell.gate_norm.scale"] = ref("rssm/gru_norm/gamma");
  m.out["cell.gate_norm.shift"] = ref("rssm/gru_norm/beta");
  m.linear("prior.layer0.linear", "rssm/img_out_0");
  m.linear("prior.out", "rssm/img_dist_0");
  m.linear("posterior.layer0.linear", "rssm/obs_out");
  m.linear("posterior.out", "rssm/obs_dist");
  if (!discrete) return m.out;
  mlp("continue", "discount", "/out/out");
  m.linear("image_decoder.dense", "decoder/convin");
  for (const std::string n : {"0", "1", "2", "3"}) {
    m.conv("image_encoder.conv" + n, "encoder/conv" + n);
    m.conv("image_decoder.deconv" + n, "decoder/conv" + n);
  }
  return m.out;
}

inline Weights behaviour_v2(const Source& ref, bool discrete) {
  Mapping m{ref};
  for (const auto& [ours, theirs] : {std::pair<std::string, std::string>{"actor", "actor"},
                                     {"critic", "critic"},
                                     {"slow_critic", "target_critic"}}) {
    m.linear(ours + ".layer0.linear", theirs + "/dense0");
    m.linear(ours + ".layer1.linear", theirs + "/dense1");
    if (discrete || ours != "actor") m.linear(ours + ".out", theirs + "/out/out");
  }
  if (!discrete) m.twin("actor.out", "actor/out/out", "actor/out/std");
  return m.out;
}

/// danijar/dreamer; `pcont`: with its optional continue head.
inline Weights world_v1(const Source& ref, bool pcont) {
  Mapping m{ref};
  m.linear("cell.in.linear", "dynamics/img1");
  // Keras orders the gates update, reset, candidate; Torch reset, update, candidate.
  const auto gates = [](const torch::Tensor& x) {
    const auto part = x.chunk(3, 0);
    return torch::cat({part[1], part[0], part[2]});
  };
  m.out["cell.gru.weight_ih"] = gates(ref("dynamics/gru/kernel").t());
  m.out["cell.gru.weight_hh"] = gates(ref("dynamics/gru/recurrent_kernel").t());
  m.out["cell.gru.bias_ih"] = gates(ref("dynamics/gru/bias")[0]);
  m.out["cell.gru.bias_hh"] = gates(ref("dynamics/gru/bias")[1]);
  m.linear("prior.layer0.linear", "dynamics/img2");
  m.linear("prior.out", "dynamics/img3");
  m.linear("posterior.layer0.linear", "dynamics/obs1");
  m.linear("posterior.out", "dynamics/obs2");
  const auto mlp = [&](const std::string& ours, const std::string& theirs, int layers) {
    for (int i = 0; i < layers; ++i)
      m.linear(ours + ".layer" + std::to_string(i) + ".linear", theirs + "/h" + std::to_string(i));
    m.linear(ours + ".out", theirs + "/hout");
  };
  mlp("reward", "reward", 2);
  if (pcont) mlp("continue", "pcont", 3);
  m.linear("image_decoder.dense", "decode/h1");
  for (int i = 0; i < 4; ++i) {
    m.conv("image_encoder.conv" + std::to_string(i), "encode/h" + std::to_string(i + 1));
    m.conv("image_decoder.deconv" + std::to_string(i), "decode/h" + std::to_string(i + 2));
  }
  return m.out;
}

inline Weights behaviour_v1(const Source& ref) {
  Mapping m{ref};
  const auto mlp = [&](const std::string& ours, const std::string& theirs, int layers) {
    for (int i = 0; i < layers; ++i)
      m.linear(ours + ".layer" + std::to_string(i) + ".linear", theirs + "/h" + std::to_string(i));
    m.linear(ours + ".out", theirs + "/hout");
  };
  mlp("actor", "actor", 4);
  mlp("critic", "value", 3);
  mlp("slow_critic", "value", 3);  // V1 has none: it stays unused
  return m.out;
}

/// google-research/planet, whose dump begins with an embedding of 10 numbers: ours has 12, the last two 0.
inline Weights world_planet(const Source& ref) {
  Mapping m{ref};
  const std::string prior = "rnn/rssm/transition/", posterior = "rnn/rssm/posterior/";
  m.linear("cell.in.linear", prior + "dense");
  m.out["cell.gates.weight"] = ref(prior + "gru_block_cell/w_ru").t();
  m.out["cell.gates.bias"] = ref(prior + "gru_block_cell/b_ru");
  m.out["cell.candidate.weight"] = ref(prior + "gru_block_cell/w_c").t();
  m.out["cell.candidate.bias"] = ref(prior + "gru_block_cell/b_c");
  m.linear("prior.layer0.linear", prior + "dense_1");
  m.twin("prior.out", prior + "dense_2", prior + "dense_3");
  m.linear("posterior.layer0.linear", posterior + "dense",
           [](const torch::Tensor& k) { return torch::cat({k, torch::zeros_like(k.slice(0, 0, 2))}); });
  m.twin("posterior.out", posterior + "dense_1", posterior + "dense_2");
  m.linear("reward.layer0.linear", "head_reward/dense");
  m.linear("reward.out", "head_reward/dense_1");
  return m.out;
}

/// The published constants, at the dumps' sizes.
inline DreamerOptions options_of(const GoldenCase& c) {
  DreamerOptions o;
  if (!c.constants.empty()) o.constants = choice_of<Constants>(c.constants);
  if (o.constants == Constants::first_2023) o.size = Size::s;
  set_published(o, c.recipe, c.discrete);
  auto& w = o.world;
  w.observe = !c.image ? Sees::vector : c.vector() ? Sees::both : Sees::image;
  w.deter = golden_deter;
  w.hidden = w.units = o.behaviour.units = 12;
  w.groups = 4;
  w.classes = 5;
  w.depth = c.constants == "2024" ? 2 : c.constants == "2023" ? 3 : 1;
  w.vector_layers = 2;
  if (c.constants != "2024" && c.recipe != "dreamer-v1") w.reward_layers = w.continue_layers = 2;
  if (c.recipe == "dreamer-v1") w.free_nats = 0.3;  // below the mean KL of the dump, so that its gradient is seen
  if (c.recipe == "dreamer-v2" && !c.discrete) w.latent = Latent::gaussian, w.deviation = Deviation::sigmoid;
  if (c.recipe != "dreamer-v1") o.behaviour.actor_layers = o.behaviour.critic_layers = 2;
  return o;
}

inline Spaces spaces_of(const GoldenCase& c) {
  Spaces spaces;
  if (c.image) spaces.image_height = spaces.image_width = 64, spaces.image_channels = 3;
  if (c.vector()) spaces.vector_names = {"a", "b", "c", "d", "e"};
  if (c.discrete) {
    spaces.action.choices = {"left", "stay", "right"};
  } else {
    spaces.action.axes = {"x", "y"};
    spaces.action.low = {-1, -1};
    spaces.action.high = {1, 1};
    spaces.action.idle = {0, 0};
  }
  return spaces;
}

/// danijar/dreamerv3 of 2024: as an import brings it.
inline Layout v24(bool discrete, bool image, bool behaviour) {
  return [=](const Source& ref) {
    const GoldenCase like = {"", "dreamer-v3", "2024", discrete, image, {}, {}};
    const auto spaces = spaces_of(like);
    Rssm model(options_of(like).world, spaces);
    ActorCritic agent(model.feature_count(), spaces.action, options_of(like).behaviour);
    const DanijarShape shape = {golden_deter, 8, 12, {{"vector", 5}}, "action", !discrete};
    Weights out;
    const auto names = (behaviour ? static_cast<torch::nn::Module&>(agent) : model).named_parameters();
    for (const auto& parameter : names) {
      std::vector<torch::Tensor> parts;
      for (const auto& part : danijar_parts(shape, parameter.key())) parts.push_back(danijar_turned(shape, parameter.key(), ref(part.name)));
      out[parameter.key()] = torch::cat(parts);
    }
    return out;
  };
}

inline std::vector<GoldenCase> golden_cases() {
  const auto both = [](Weights (*layout)(const Source&, bool), bool flag) {
    return [=](const Source& ref) { return layout(ref, flag); };
  };
  return {{"v3_24_discrete", "dreamer-v3", "2024", true, true, v24(true, true, false), v24(true, true, true)},
          {"v3_24_continuous", "dreamer-v3", "2024", false, false, v24(false, false, false), v24(false, false, true)},
          {"v3_23_discrete", "dreamer-v3", "2023", true, true, both(world_v23, true), both(behaviour_v23, true)},
          {"v3_23_continuous", "dreamer-v3", "2023", false, false, both(world_v23, false), both(behaviour_v23, false)},
          {"v2_discrete", "dreamer-v2", "", true, true, both(world_v2, true), both(behaviour_v2, true)},
          {"v2_continuous", "dreamer-v2", "", false, false, both(world_v2, false), both(behaviour_v2, false)},
          {"v1", "dreamer-v1", "", false, true, both(world_v1, false), behaviour_v1}};
}

/// What the dump was made of, time-major.
inline SequenceBatch batch_of(const Golden& golden, const GoldenCase& c) {
  SequenceBatch batch;
  if (c.image) batch.image = Golden("images").steps("in/image");
  if (c.vector()) batch.vector = golden.steps("in/vector");
  batch.reward = golden.steps("in/reward");
  batch.action = golden.steps(golden.has("in/prev_action") ? "in/prev_action" : "in/action");
  if (batch.action.dim() == 2) batch.action = batch.action.unsqueeze(-1);
  const auto flags = [&](const char* name) {
    return golden.has(name) ? golden.steps(name) : torch::zeros_like(batch.reward);
  };
  batch.first = flags("in/is_first");
  batch.last = flags("in/is_last");
  batch.terminated = golden.has("in/discount") ? 1 - golden.steps("in/discount") : flags("in/is_terminal");
  return batch;
}

/// The latents' draws of the dump, and its state before the first step where it is not the usual one.
inline Rssm::Given given_of(const Golden& golden) {
  Rssm::Given given;
  given.draws = golden.steps(golden.has("in/post_noise") ? "in/post_noise" : "in/post_stoch").flatten(2);
  if (golden.has("in/carry_deter")) given.h = golden("in/carry_deter"), given.z = golden("in/carry_stoch").flatten(1);
  return given;
}

/// Logits of a dump as the log-probabilities that our carries hold, or means and deviations.
inline torch::Tensor statistics_of(const Golden& golden, const std::string& name, double unimix_share) {
  if (golden.has(name + "_logit")) return unimix(golden(name + "_logit"), unimix_share).flatten(-2);
  return torch::cat({golden(name + "_mean"), golden(name + "_std")}, -1);
}

inline void PrintTo(const GoldenCase& c, std::ostream* out) {
  *out << c.file;
}
inline std::string file_of(const ::testing::TestParamInfo<GoldenCase>& c) {
  return c.param.file;
}

}  // namespace dream::test
