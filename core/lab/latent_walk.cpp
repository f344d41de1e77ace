#include "core/lab/latent_walk.h"

#include "api/error.h"
#include "core/lab/watched.h"
#include "core/nn/generator.h"

namespace dream {
namespace {

constexpr std::int64_t watched_before = 60;  // frames before a moment, as the player watches

/// The latent as numbers that can be mixed: what the posterior expects of it, or the latent as it was drawn. [1, L]
torch::Tensor expected_latent(const Belief& belief) {
  if (belief.posterior.log_probabilities.defined()) return belief.posterior.log_probabilities.exp().flatten(1);
  if (belief.posterior.mean.defined()) return (belief.posterior.log_weights.exp() * belief.posterior.mean).sum(-1);
  return belief.latent;
}

/// The latent at `share` of the way.
torch::Tensor latent_between(const Belief& from, const Belief& to, double share) {
  const auto between = (1 - share) * expected_latent(from) + share * expected_latent(to);
  const auto& classes = from.posterior.log_probabilities;
  if (!classes.defined()) return between;
  const auto likeliest = between.view({-1, classes.size(1), classes.size(2)}).argmax(-1);
  return torch::one_hot(likeliest, classes.size(2)).flatten(1).to(from.latent.scalar_type());
}

/// `carry` with another latent: the tensor of the carry that is its belief's latent is replaced. Empty where none is.
Carry with_values(WorldModel& model, const Carry& carry, const torch::Tensor& latent) {
  const auto before = model.belief(carry).latent.flatten(1);
  for (const auto& [name, tensor] : carry) {
    if (!tensor.is_floating_point() || tensor.numel() != before.numel() ||
        !torch::equal(tensor.flatten(1), before.to(tensor.scalar_type())))
      continue;
    auto changed = carry;
    changed[name] = latent.view_as(tensor).to(tensor.scalar_type());
    if (torch::equal(model.belief(changed).latent.flatten(1), latent.flatten(1).to(before.scalar_type())))
      return changed;
  }
  return {};
}

/// Every number of two carries mixed, of which both have the same tensors.
Carry walk_mixed(const Carry& from, const Carry& to, double share) {
  Carry made;
  for (const auto& [name, tensor] : from) {
    const auto other = to.find(name);
    if (other == to.end() || other->second.sizes() != tensor.sizes()) continue;
    made[name] = tensor.is_floating_point() ? (1 - share) * tensor + share * other->second
                 : share < 0.5              ? tensor
                                            : other->second;
  }
  return made;
}

}  // namespace

LivedMoment live_again(System& system, const LabMoment& moment) {
  if (!moment.known()) throw Error("this moment does not say how it was lived through");
  torch::NoGradGuard no_grad;
  const auto env = system.make_env();
  const auto& spaces = env->spaces();
  const auto axes = spaces.action.size();
  if (static_cast<std::int64_t>(moment.actions->size()) < moment.step * static_cast<std::int64_t>(axes))
    throw Error("the moment's actions are fewer than its steps");
  auto rng = make_generator(system.device, 5);
  auto action = torch::zeros({1, static_cast<std::int64_t>(axes)}, system.device);
  LivedMoment lived;
  env->reset(moment.seed);
  for (std::int64_t step = 0; step <= moment.step; ++step) {
    if (moment.step - step <= watched_before) {
      Observation seen;
      if (spaces.image_bytes() > 0) {
        auto image = torch::empty({1, spaces.image_height, spaces.image_width, spaces.image_channels}, torch::kUInt8);
        env->observe_image({image.data_ptr<std::uint8_t>(), spaces.image_bytes()});
        if (step == moment.step) lived.picture = unit_pictures(image)[0];
        seen.image = image.to(system.device);
      }
      if (!spaces.vector_names.empty()) {
        auto vector = torch::empty({1, static_cast<std::int64_t>(spaces.vector_names.size())});
        env->observe_vector({vector.data_ptr<float>(), spaces.vector_names.size()});
        seen.vector = vector.to(system.device);
      }
      if (lived.carry.empty()) lived.carry = system.model->initial(1);
      lived.carry = system.model->observe(lived.carry, action, seen, rng);
    }
    if (step == moment.step) break;
    const std::span<const float> taken(moment.actions->data() + static_cast<std::size_t>(step) * axes, axes);
    if (env->step(taken).done() && step + 1 < moment.step)
      throw Error("the episode ends with step " + std::to_string(step + 1) + ", before the moment at step " +
                  std::to_string(moment.step));
    action = torch::tensor(std::vector<float>(taken.begin(), taken.end())).unsqueeze(0).to(system.device);
  }
  return lived;
}

LatentWalk walk_between(WorldModel& model, const Carry& from, const Carry& to, std::int64_t steps) {
  torch::NoGradGuard no_grad;
  LatentWalk walk;
  if (!model.predict(from).frame.defined()) {
    walk.lacks = "this model paints nothing: a walk between two of its states would show nothing";
    return walk;
  }
  const auto a = model.belief(from), b = model.belief(to);
  std::vector<torch::Tensor> whole, latent;
  steps = std::max<std::int64_t>(2, steps);
  for (std::int64_t i = 0; i < steps; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(steps - 1);
    auto all = walk_mixed(from, to, share);
    if (a.latent.defined() && b.latent.defined()) {
      const auto between = latent_between(a, b, share);
      // Memory in a straight line, and the latent in its own way.
      if (const auto changed = with_values(model, from, between); !changed.empty()) {
        if (const auto joined = model.with_latent(all, changed); !joined.empty()) all = joined;
        if (const auto joined = model.with_latent(from, changed); !joined.empty())
          latent.push_back(cpu_floats(model.predict(joined).frame)[0]);
      }
    }
    whole.push_back(cpu_floats(model.predict(all).frame)[0]);
  }
  walk.whole = torch::stack(whole);
  if (static_cast<std::int64_t>(latent.size()) == steps) walk.latent = torch::stack(latent);
  return walk;
}

LatentWalk walk_latents(System& system, const LabMoment& from, const LabMoment& to, std::int64_t steps) {
  if (!system.model) return {{}, {}, {}, {}, "this system has no model, hence no latents to walk between"};
  const auto a = live_again(system, from), b = live_again(system, to);
  auto walk = walk_between(*system.model, a.carry, b.carry, steps);
  walk.first = a.picture, walk.last = b.picture;
  return walk;
}

LabFigure LatentWalk::sheet(const LabMoment& from, const LabMoment& to) const {
  std::vector<torch::Tensor> pictures;
  LabFigure made;
  const auto steps = whole.size(0);
  for (const auto* row : {&whole, &latent}) {
    if (!row->defined()) continue;
    const auto end = [&](const torch::Tensor& shown) {
      return shown.defined() ? shown.unsqueeze(0) : torch::zeros_like(row->slice(0, 0, 1));
    };
    pictures.insert(pictures.end(), {end(first), *row, end(last)});
    made.row_labels.push_back(row == &whole ? "latent and memory" : "latent alone");
  }
  made.name = "walk", made.title = "A walk between two states";
  made.caption =
      "pictures decoded from the straight line between the states of two held-out moments; at both ends what the world "
      "showed. Of classes, the likeliest of the mixed probabilities is taken";
  made.value = std::make_shared<const Value>(sheet_of(torch::cat(pictures), steps + 2));
  made.film = true;
  made.columns = static_cast<int>(steps + 2), made.rows = static_cast<int>(made.row_labels.size());
  for (std::int64_t i = -1; i <= steps; ++i) {
    made.column_labels.push_back(i < 0 || i == steps ? "truth" : std::to_string(100 * i / (steps - 1)) + " %");
    made.moments.push_back(2 * i < steps ? from : to);
  }
  return made;
}

}  // namespace dream
