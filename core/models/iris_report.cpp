// What IRIS shows of itself.
#include <algorithm>

#include "core/models/iris.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t most_likely = 8;  // codes that are offered in a token's place

}  // namespace

void IrisModel::report(const Carry& carry, ProbeSink& sink) {
  if (sink.wants("tokens/grid")) {
    const auto codes = codes_of(carry)[0];
    const auto whole = [](const torch::Tensor& x) {
      const auto numbers = floats(x.to(torch::kFloat32));
      return std::vector<int>(numbers.begin(), numbers.end());
    };
    Tokens tokens;
    tokens.rows = tokens.cols = static_cast<int>(tokenizer_->side());
    tokens.vocabulary = static_cast<int>(tokenizer_->codes());
    tokens.codes = whole(codes);
    if (carry.contains("expected") && carry.at("filled")[0].item<double>() > 1) {
      const auto expected = carry.at("expected")[0];
      tokens.chance = floats(expected.gather(1, codes.unsqueeze(1)).squeeze(1).exp());
      tokens.likely = whole(std::get<1>(expected.topk(std::min(most_likely, tokenizer_->codes()))));
    }
    tokens.use = floats(tokenizer_->use());
    tokens.picture = std::make_shared<const Image>(image_from(predict(carry).frame[0].to(torch::kCPU, torch::kFloat32)));
    sink.put("tokens/grid", "Tokens", "The codes that the frame is made of, each drawn from p(z_k | z_<k, frames and actions before)", std::move(tokens), true);
  }
  if (sink.wants("tokens/film") && carry.contains("before")) {
    // What is not drawn yet is still the frame before.
    const auto now = codes_of(carry)[0], before = carry.at("before").to(torch::kInt64)[0];
    const auto places = tokenizer_->places();
    const auto drawn = torch::arange(places, now.options()).unsqueeze(0) <= torch::arange(places, now.options()).unsqueeze(1);
    const auto film = tokenizer_->pictures(torch::where(drawn, now.unsqueeze(0), before.unsqueeze(0))).to(torch::kCPU, torch::kFloat32);
    sink.put("tokens/film", "Token by token",
             "The frame after each of its tokens, from the first on the left to the last; what is not drawn yet is the frame before",
             image_from(torch::cat(film.unbind(0), 2)));
  }
  if (sink.wants("memory/window")) {
    const auto filled = carry.at("filled")[0].item<std::int64_t>(), since = carry.at("since")[0].item<std::int64_t>();
    const auto frames = [](std::int64_t count) { return std::to_string(count) + (count == 1 ? " frame" : " frames"); };
    std::string text = "Its memory holds " + std::to_string(filled) + " of " + frames(transformer_->frames()) + ". ";
    text += since < 0 ? "It has not been emptied yet."
                      : "It was emptied " + frames(since) + " ago: what has not been on a picture since then is forgotten.";
    sink.put("memory/window", "Memory", "How full its window of frames is, and when all but the present frame was last forgotten", Text{text});
  }
  if (sink.wants("outcome/sign")) {
    Vector bars;
    bars.values = floats(torch::cat({carry.at("reward")[0], carry.at("end")[0]}));
    bars.labels = {"r < 0", "r = 0", "r > 0", "end"};
    sink.put("outcome/sign", "Reward and end", "The chances of the reward's sign, and of the end, of the step that led here", std::move(bars));
  }
}

}  // namespace dream
