#include "core/models/two_views.h"

#include <algorithm>
#include <cmath>

#include "core/nn/stacked_mlp.h"
#include "core/probe/from_tensor.h"

namespace dream {

void TwoViewsOptions::fields(Config& config) {
  encoder.fields(config, "encoder.");
  config.add("projector.units", units, {.help = "Width of the networks behind the encoder", .low = 1, .high = 8192});
  config.add("projector.out", out, {.help = "Numbers of what is compared", .low = 2, .high = 8192});
  if (kind == TwoViewsKind::byol) {
    target_field(config, "learn.target", target);
    config.add(
        "learn.predictor", predictor,
        {.help = "A further network on the side that learns; without it both sides agree on nothing", .live = true});
  } else {
    const auto weight = [&](const char* name, double& value, const char* help) {
      config.add(std::string("learn.") + name, value, {.help = help, .low = 0, .high = 1000, .live = true});
    };
    weight("invariance", weights.invariance, "Weight of how far two views of one picture are apart");
    weight("variance", weights.variance, "Weight of what a number's deviation lacks of 1; at 0 it collapses");
    weight("covariance", weights.covariance, "Weight of what two numbers say in common");
  }
  views.fields(config, "views.");
  view.fields(config, "view.");
}

ViewProjectorImpl::ViewProjectorImpl(std::int64_t in, std::int64_t hidden, std::int64_t units, std::int64_t out,
                                     bool bias) {
  for (std::int64_t i = 0; i < hidden; ++i) {
    const auto name = "layer" + std::to_string(i);
    layers_.push_back(register_module(name, torch::nn::Linear(i == 0 ? in : units, units)));
    scales_.push_back(register_parameter(name + "_scale", torch::ones({units})));
    shifts_.push_back(register_parameter(name + "_shift", torch::zeros({units})));
  }
  out_ = register_module("out", torch::nn::Linear(torch::nn::LinearOptions(units, out).bias(bias)));
}

torch::Tensor ViewProjectorImpl::forward(torch::Tensor x) {
  for (std::size_t i = 0; i < layers_.size(); ++i)
    x = torch::relu(torch::batch_norm(layers_[i](x), scales_[i], shifts_[i], {}, {}, true, 0.1, 1e-5, false));
  return out_(x);
}

TwoViews::TwoViews(const TwoViewsOptions& options, const Spaces& spaces, bool rival) : options_(options) {
  const auto& e = options.encoder;
  const auto shape = e.shape(spaces);
  encoder_ = register_module("encoder", Vit(shape, e.width, e.layers, e.heads));
  const bool byol = options.kind == TwoViewsKind::byol;
  const auto projector = [&] { return ViewProjector(e.width, byol ? 1 : 2, options.units, options.out, byol); };
  projector_ = register_module("projector", projector());
  if (byol) {
    predictor_ = register_module("predictor", ViewProjector(options.out, 1, options.units, options.out, true));
    slow_encoder_ = register_module("slow_encoder", Vit(shape, e.width, e.layers, e.heads));
    slow_projector_ = register_module("slow_projector", projector());
    follow(1);
    for (auto p : slow_encoder_->parameters()) p.requires_grad_(false);
    for (auto p : slow_projector_->parameters()) p.requires_grad_(false);
  }
  if (options.view.on) viewer_ = register_module("viewer", ViewingDecoder(e.width, spaces, options.view.depth));
  add_rival(rival, shape.side, shape.channels);
}

void TwoViews::follow(double share) {
  if (options_.kind != TwoViewsKind::byol) return;
  follow_slowly(*slow_encoder_, *encoder_, share);
  follow_slowly(*slow_projector_, *projector_, share);
}

SelfSupervised::Loss TwoViews::loss(const torch::Tensor& clips, at::Generator rng) {
  const auto pictures = clips.select(1, 0);
  const auto one = view_of(pictures, options_.views, rng), other = view_of(pictures, options_.views, rng);
  auto made = loss_of(one, other);
  const auto few = std::min(options_.view.pictures, clips.size(0));
  last_.clips = clips.slice(0, 0, few).clone();
  last_.views = torch::stack({one[0], other[0]});
  return made;
}

SelfSupervised::Loss TwoViews::loss_of(const torch::Tensor& one, const torch::Tensor& other) {
  const auto views = torch::cat({one, other}).unsqueeze(1);
  auto made = options_.kind == TwoViewsKind::byol ? byol(views, one.size(0)) : vicreg(views, one.size(0));
  torch::NoGradGuard no_grad;
  // Of unit vectors of d numbers one deviates by 1/√d where they point everywhere.
  const auto units = last_.z / last_.z.norm(2, -1, true).clamp_min(1e-12);
  made.terms.emplace_back("spread", units.std(0).mean() * std::sqrt(static_cast<double>(units.size(1))));
  return made;
}

/// Each view goes through the networks with batch norm by itself, as its batch's statistics are its own.
SelfSupervised::Loss TwoViews::byol(const torch::Tensor& views, std::int64_t count) {
  const auto h = embedded(encoder_, views);
  const auto z1 = projector_(h.slice(0, 0, count)), z2 = projector_(h.slice(0, count));
  torch::Tensor t1 = z1, t2 = z2;
  if (options_.target == TargetFrom::ema) {
    torch::NoGradGuard no_grad;
    const auto slow = embedded(slow_encoder_, views);
    t1 = slow_projector_(slow.slice(0, 0, count)), t2 = slow_projector_(slow.slice(0, count));
  } else if (options_.target == TargetFrom::stop_gradient) {
    t1 = z1.detach(), t2 = z2.detach();
  }
  const auto said = [&](const torch::Tensor& z) { return options_.predictor ? predictor_(z) : z; };
  const auto there = byol_distance(said(z1), t2).mean(), back = byol_distance(said(z2), t1).mean();
  last_.z = z1.detach();
  return {there + back, {{"prediction", (there + back).detach()}}};
}

SelfSupervised::Loss TwoViews::vicreg(const torch::Tensor& views, std::int64_t count) {
  const auto h = embedded(encoder_, views);
  const auto x = projector_(h.slice(0, 0, count)), y = projector_(h.slice(0, count));
  const auto lost = vic_reg(x, y);
  last_.z = x.detach();
  return {lost.total(options_.weights),
          {{"invariance", lost.invariance.detach()},
           {"variance", lost.variance.detach()},
           {"covariance", lost.covariance.detach()}}};
}

std::vector<SelfSupervised::Curve> TwoViews::curves() const {
  std::vector<Curve> made = {{"prediction", "Prediction of the other view: 2 − 2 cos, both ways", ""}};
  if (options_.kind == TwoViewsKind::vicreg)
    made = {{"invariance", "Invariance: (z − z')²", ""},
            {"variance", "Variance: what a number lacks of deviation 1", ""},
            {"covariance", "Covariance: Σ of two numbers', squared, / D", ""}};
  made.push_back({"spread", "Spread of what is compared, × √d of unit vectors: 0 is a point", ""});
  return made;
}

torch::Tensor TwoViews::viewing_loss() {
  if (!viewer_ || !last_.clips.defined()) return {};
  torch::Tensor z;
  {
    torch::NoGradGuard no_grad;
    z = embed(last_.clips);
  }
  return viewer_->loss(z, last_.clips.select(1, 0));
}

std::vector<std::string> TwoViews::probe_names() const {
  std::vector<std::string> names = {"embeddings/z"};
  if (viewer_) names.push_back("embeddings/painted");
  names.push_back("views/pair");
  return names;
}

void TwoViews::show(const torch::Tensor& clip, ProbeSink& sink) {
  torch::NoGradGuard no_grad;
  if (!sink.wants("embeddings/z") && !sink.wants("embeddings/painted")) return;
  const auto z = embed(clip);
  if (sink.wants("embeddings/z")) {
    Vector bars;
    bars.values = floats(z[0]);
    sink.put("embeddings/z", "Embedding", "Mean of the encoder's tokens: what is read from a picture", std::move(bars));
  }
  if (sink.wants("embeddings/painted") && viewer_)
    sink.put("embeddings/painted", "What the embedding still knows",
             "A viewing decoder, which teaches it nothing, paints the picture from the embedding alone",
             image_from(viewer_(z)[0]));
}

void TwoViews::report(const torch::Tensor& clip, ProbeSink& sink) {
  show(clip, sink);
  if (!sink.wants("views/pair")) return;
  auto chance = at::detail::createCPUGenerator(3);
  const auto pictures = clip.select(1, 0).to(torch::kCPU);
  const auto one = view_of(pictures, options_.views, chance), other = view_of(pictures, options_.views, chance);
  sink.put("views/pair", "Two views of it", "What is to be alike in its numbers",
           image_from(torch::cat({one[0], other[0]}, 2)));
}

void TwoViews::report_batch(ProbeSink& sink) {
  if (!last_.clips.defined()) return;
  show(last_.clips.slice(0, 0, 1), sink);
  if (sink.wants("views/pair"))
    sink.put("views/pair", "Two views of it", "What is to be alike in its numbers",
             image_from(torch::cat({last_.views[0], last_.views[1]}, 2)));
}

std::vector<Frame> TwoViews::batch_frames() {
  if (!last_.clips.defined()) return {};
  torch::NoGradGuard no_grad;
  const auto clip = last_.clips.slice(0, 0, 1);
  std::vector<Frame> made = {
      {"real", "a picture of the batch", -1, std::make_shared<const Image>(image_from(clip[0][0]))}};
  if (viewer_)
    made.push_back({"reconstruction", "what its embedding still knows, painted", -1,
                    std::make_shared<const Image>(image_from(viewer_(embed(clip))[0]))});
  return made;
}

}  // namespace dream
