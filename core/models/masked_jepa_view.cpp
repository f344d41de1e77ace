// What MaskedJepa shows: what was hidden of a picture, what the predictor makes of that, and how far it is from the truth.
#include <algorithm>
#include <array>

#include "core/models/masked_jepa.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t shown_zoom = 4;  // pixels of a shown picture to one of the world's
constexpr double unseen_light = 0.25;
constexpr std::array<std::array<float, 3>, 4> outlines = {
    {{1, 0.65f, 0.1f}, {0.2f, 0.8f, 1}, {0.55f, 1, 0.35f}, {1, 0.4f, 0.7f}}};
constexpr std::uint64_t live_masks = 3;  // seed of those over a frame that was just seen

/// 1 at these places of the first frame's patches, else 0: [rows, rows] of pixels, zoomed.
torch::Tensor covered(const torch::Tensor& places, const VitShape& shape) {
  auto grid = torch::zeros({shape.places()});
  grid.index_fill_(0, places.to(torch::kCPU), 1);
  const auto side = shape.patch * shown_zoom;
  return grid.slice(0, 0, shape.rows() * shape.rows())
      .view({shape.rows(), shape.rows()})
      .repeat_interleave(side, 0)
      .repeat_interleave(side, 1);
}

/// Where a mask ends: the pixels of it that have one beside them that is none of it.
torch::Tensor edge_of(const torch::Tensor& mask) {
  const auto inside =
      -torch::max_pool2d(-torch::constant_pad_nd(mask, {1, 1, 1, 1}).unsqueeze(0).unsqueeze(0), {3, 3}, {1, 1});
  return mask * (1 - inside[0][0]);
}

torch::Tensor zoomed(const torch::Tensor& picture) {
  const auto colours = picture.size(0) == 3 ? picture : picture.mean(0, true).expand({3, -1, -1});
  return colours.to(torch::kCPU).repeat_interleave(shown_zoom, 1).repeat_interleave(shown_zoom, 2);
}

torch::Tensor outlined(torch::Tensor picture, const std::vector<torch::Tensor>& targets, const VitShape& shape) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto edge = edge_of(covered(targets[i], shape));
    const auto& colour = outlines[i % outlines.size()];
    picture = picture * (1 - edge) + torch::tensor({colour[0], colour[1], colour[2]}).view({3, 1, 1}) * edge;
  }
  return picture;
}

}  // namespace

MaskedJepa::Shown MaskedJepa::shown(const torch::Tensor& clip, const Masks& masks) {
  torch::NoGradGuard no_grad;
  const auto device = clip.device();
  const auto pieces = encoder_->pieces(clip), told = targets_of(pieces);
  const auto context = masks.context.to(device);
  std::vector<torch::Tensor> targets;
  for (const auto& each : masks.targets) targets.push_back(each.to(device));
  const auto predicted = predictor_(encoder_(pieces, context), context, targets);
  Shown made{pieces[0], context[0], {}, {}, {}, embed(clip)[0]};
  for (std::size_t i = 0; i < targets.size(); ++i) {
    made.targets.push_back(targets[i][0]);
    made.told.push_back(told[0].index_select(0, targets[i][0]));
    made.predicted.push_back(predicted[static_cast<std::int64_t>(i)]);
  }
  return made;
}

Image MaskedJepa::masked_picture(const Shown& shown) const {
  const auto light = unseen_light + (1 - unseen_light) * covered(shown.context, shape_);
  return image_from(outlined(zoomed(pictures_of_pieces(shown.pieces, shape_, 0)[0]) * light, shown.targets, shape_));
}

/// What the encoder saw as it is, what was asked for as the viewing network paints what was predicted, and the rest dark.
Image MaskedJepa::predicted_picture(const Shown& shown) {
  torch::NoGradGuard no_grad;
  auto pieces = shown.pieces.clone();
  auto known = covered(shown.context, shape_);
  for (std::size_t i = 0; i < shown.targets.size(); ++i) {
    pieces.index_copy_(0, shown.targets[i], viewer_(shown.predicted[i]));
    known = torch::maximum(known, covered(shown.targets[i], shape_));
  }
  const auto light = unseen_light + (1 - unseen_light) * known;
  return image_from(outlined(zoomed(pictures_of_pieces(pieces, shape_, 0)[0]) * light, shown.targets, shape_));
}

std::vector<std::string> MaskedJepa::probe_names() const {
  std::vector<std::string> names = {"masks/picture"};
  if (viewer_) names.push_back("masks/predicted");
  for (const char* each : {"masks/missed", "embeddings/told", "embeddings/predicted", "embeddings/z"})
    names.push_back(each);
  return names;
}

void MaskedJepa::show(const Shown& shown, ProbeSink& sink) {
  if (sink.wants("masks/picture"))
    sink.put("masks/picture", "What is hidden",
             "Bright: what the encoder sees; framed: what is to be predicted" +
                 std::string(options_.clips() ? ", through the whole clip" : ""),
             masked_picture(shown));
  if (sink.wants("masks/predicted") && viewer_)
    sink.put(
        "masks/predicted", "What the predictor expects there",
        "A small network, which teaches it nothing, paints the tokens that were predicted; the encoder saw the rest",
        predicted_picture(shown));
  if (sink.wants("masks/missed")) {
    auto missed = torch::full({shape_.places()}, std::numeric_limits<float>::quiet_NaN());
    for (std::size_t i = 0; i < shown.targets.size(); ++i)
      missed.index_copy_(0, shown.targets[i].to(torch::kCPU),
                         (shown.predicted[i] - shown.told[i]).square().mean(-1).to(torch::kCPU));
    auto map =
        heatmap_from(missed.slice(0, 0, shape_.rows() * shape_.rows()), static_cast<int>(shape_.rows()), 0, 1, false);
    map.picture = std::make_shared<const Image>(image_from(pictures_of_pieces(shown.pieces, shape_, 0)[0]));
    sink.put("masks/missed", "How far it is from the target",
             "Mean squared error of a predicted token's numbers; 1 is what saying nothing would come to",
             std::move(map));
  }
  const auto put_tokens = [&](const char* name, const char* title, const char* caption, const torch::Tensor& tokens) {
    if (sink.wants(name))
      sink.put(name, title, caption, heatmap_from(tokens, static_cast<int>(tokens.size(1)), -2, 2, true));
  };
  put_tokens("embeddings/told", "Targets of the first block",
             "One row a hidden patch: what the target encoder makes of it, each row normalised", shown.told.front());
  put_tokens("embeddings/predicted", "What was predicted", "The same rows as the predictor has them",
             shown.predicted.front());
  if (sink.wants("embeddings/z")) {
    Vector bars;
    bars.values = floats(shown.z);
    sink.put("embeddings/z", "Embedding", "Mean of the target encoder's tokens: what is read from a picture",
             std::move(bars));
  }
}

void MaskedJepa::report(const torch::Tensor& clip, ProbeSink& sink) {
  torch::NoGradGuard no_grad;
  show(shown(clip, masks(1, Rng(live_masks)).front()), sink);
}

void MaskedJepa::report_batch(ProbeSink& sink) {
  if (last_.clip.defined()) show(shown(last_.clip, last_.masks), sink);
}

std::vector<Frame> MaskedJepa::batch_frames() {
  if (!last_.clip.defined()) return {};
  const auto now = shown(last_.clip, last_.masks);
  std::vector<Frame> made = {
      {"real", "bright: seen; framed: to be predicted", -1, std::make_shared<const Image>(masked_picture(now))}};
  if (viewer_)
    made.push_back({"reconstruction", "what the predictor expects, painted", -1,
                    std::make_shared<const Image>(predicted_picture(now))});
  return made;
}

}  // namespace dream
