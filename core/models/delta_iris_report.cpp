// What Δ-IRIS shows of itself.
#include <algorithm>

#include "core/models/delta_iris.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t codes_offered = 8;  // in a Δ-token's place
constexpr double change_shown = 4;         // times larger than it is

std::vector<int> as_whole(const torch::Tensor& x) {
  const auto numbers = floats(x.to(torch::kFloat32));
  return {numbers.begin(), numbers.end()};
}

}  // namespace

void DeltaIris::report(const Carry& carry, ProbeSink& sink) {
  const bool led = was_led(carry)[0].item<bool>();
  if (sink.wants("tokens/grid") && led) {
    const auto codes = codes_of(carry)[0];
    Tokens tokens;
    tokens.rows = tokens.cols = static_cast<int>(tokenizer_->grid());
    tokens.vocabulary = static_cast<int>(tokenizer_->codes());
    tokens.codes = as_whole(codes);
    if (carry.contains("expected")) {
      const auto expected = carry.at("expected")[0];
      tokens.chance = floats(expected.gather(1, codes.unsqueeze(1)).squeeze(1).exp());
      tokens.likely = as_whole(std::get<1>(expected.topk(std::min(codes_offered, tokenizer_->codes()))));
    }
    tokens.use = floats(tokenizer_->use());
    tokens.picture = std::make_shared<const Image>(image_from(carry.at("frame")[0].to(torch::kCPU, torch::kFloat32)));
    sink.put("tokens/grid", "Δ-tokens",
             "What neither the frame before nor the action says of this frame, each drawn from p(z_k | z_<k, frames and actions before)",
             std::move(tokens), true);
  }
  if (sink.wants("tokens/change") && led) {
    torch::NoGradGuard no_grad;
    const auto lane = select_lane(carry, 0);
    const auto made = tokenizer_->frames(lane.at("before"), lane.at("acted"), codes_of(lane));
    const auto change = (0.5 + change_shown / 2 * (made - lane.at("before"))).clamp(0, 1);
    sink.put("tokens/change", "Frame before, frame, change",
             "The frame before; the frame that the decoder makes of it by the action and the Δ-tokens; what changed, where grey is nothing",
             image_from(torch::cat({lane.at("before"), made, change}, 3)[0].to(torch::kCPU, torch::kFloat32)));
  }
  if (sink.wants("memory/window")) {
    const auto filled = carry.at("filled")[0].item<std::int64_t>(), since = carry.at("since")[0].item<std::int64_t>();
    const auto frames = [](std::int64_t count) { return std::to_string(count) + (count == 1 ? " frame" : " frames"); };
    std::string text = "Its memory holds " + std::to_string(filled) + " of " + frames(transformer_->frames()) + ". ";
    text += since < 0    ? "It has not been emptied yet."
            : since == 0 ? "It has just been emptied: all but this frame is forgotten."
                         : "It was emptied " + frames(since) + " ago: what has not been on a picture since then is forgotten.";
    sink.put("memory/window", "Memory", "How full its window of frames is, and when all but the present frame was last forgotten", Text{text});
  }
  if (sink.wants("outcome/reward")) {
    Vector bars;
    bars.values = floats(torch::cat({carry.at("reward")[0], carry.at("end")[0]}));
    bars.labels = signs() ? std::vector<std::string>{"r < 0", "r = 0", "r > 0", "end"} : std::vector<std::string>{"r", "end"};
    sink.put("outcome/reward", "Reward and end", "The reward, or the chances of its sign, and of the end, of the step that led here",
             std::move(bars));
  }
}

}  // namespace dream
