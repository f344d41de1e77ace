#include "core/models/latent_report.h"

#include <algorithm>
#include <sstream>

#include "api/error.h"
#include "core/nn/categorical.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t most_named = 6;
constexpr double silent_kl = 0.01;  // nats per group: the frame tells nothing that was not predicted

torch::Tensor over_batch(const torch::Tensor& x) {
  return x.flatten(0, -2).mean(0);
}  // [..., G] -> [G]

void put_bars(ProbeSink& sink, const char* name, const char* title, const char* caption, const torch::Tensor& values) {
  Vector bars;
  bars.values = floats(values);
  sink.put(name, title, caption, std::move(bars));
}

/// " (3, 17, 30)": the first few places that are set, as `group.class` where there are classes.
std::string named_few(const torch::Tensor& set, std::int64_t classes = 0) {
  const auto which = set.flatten().nonzero().flatten().to(torch::kCPU);
  std::string text;
  for (std::int64_t i = 0; i < std::min(which.size(0), most_named); ++i) {
    const auto at = which[i].item<std::int64_t>();
    text += (i > 0 ? ", " : "") +
            (classes > 0 ? std::to_string(at / classes) + "." + std::to_string(at % classes) : std::to_string(at));
  }
  return " (" + text + (which.size(0) > most_named ? " …)" : ")");
}

}  // namespace

std::string collapse_warning(const torch::Tensor& kl, const char* what) {
  const auto silent = kl < silent_kl;
  const auto count = silent.sum().item<std::int64_t>();
  if (count == 0) return "";
  std::ostringstream text;
  text << count << " of " << kl.numel() << " " << what << " of z have collapsed" << named_few(silent)
       << ": their KL is below " << silent_kl
       << " nats, so the frame tells them nothing that the prior has not predicted. ";
  text << (count == kl.numel() ? "All of z is unused: lower the free nats or β_rep"
                               : "If more follow, lower the free nats or β_rep");
  return text.str();
}

torch::Tensor LatentReport::kl(const torch::Tensor& posterior, const torch::Tensor& prior) const {
  return categorical_kl(grid(posterior), grid(prior));
}

Belief LatentReport::belief(const Carry& carry) const {
  const auto density = [&](const char* name) -> Density {
    const auto found = carry.find(name);
    return found == carry.end() ? Density{} : Density{{}, {}, {}, grid(found->second)};
  };
  return {carry.at("z"), density("prior"), density("posterior")};
}

torch::Tensor LatentReport::surprise(const Carry& carry) const {
  return carry.contains("posterior") ? kl(carry.at("posterior"), carry.at("prior")).sum(-1) : torch::Tensor{};
}

void LatentReport::report(const Carry& carry, ProbeSink& sink) const {
  const auto has = [&](const char* name) { return carry.contains(name); };
  const auto first = [&](const char* name) { return carry.at(name)[0]; };
  const auto classes_of = [&] {
    Categorical value;
    value.groups = static_cast<int>(groups);
    value.classes = static_cast<int>(classes);
    if (has("posterior")) value.posterior = floats(first("posterior").exp());
    if (has("prior")) value.prior = floats(first("prior").exp());
    for (const float c : floats(grid(first("z")).argmax(-1))) value.drawn.push_back(static_cast<int>(c));
    return value;
  };
  if (sink.wants("latent/z")) {
    sink.put("latent/z", "Latent z",
             "z_t: one class of every group. " + seen + " has seen the real frame; from p(z_t | h_t), in the dream's own h_t, the dream draws",
             classes_of(), true);
  }
  if (sink.wants("latent/kl") && has("posterior")) {
    put_bars(sink, "latent/kl", "KL per group", kl_caption, kl(first("posterior"), first("prior")));
  }
  if (sink.wants("latent/seen") && has("posterior")) {
    sink.put("latent/seen", "Latent z of the real frame",
             "One state, before and after its frame was seen: " + seen + " and p(z_t | h_t) with the same h_t. The KL per group is that of this pair",
             classes_of());
  }
  if (sink.wants("latent/entropy") && has("prior")) {
    put_bars(sink, "latent/entropy", "Entropy of the prior", "H[p(z_t | h_t)] of every group, nats: how undecided the dream is",
             categorical_entropy(grid(first("prior"))));
  }
}

void LatentReport::report_batch(const torch::Tensor& posterior, const torch::Tensor& prior, ProbeSink& sink) const {
  if (!posterior.defined()) return;
  torch::NoGradGuard no_grad;
  if (sink.wants("batch/kl")) {
    put_bars(sink, "batch/kl", "KL per group, over the batch", batch_kl_caption, over_batch(kl(posterior, prior)));
  }
  if (sink.wants("batch/use")) {
    Heatmap map;
    map.rows = static_cast<int>(groups);
    map.cols = static_cast<int>(classes);
    map.cells = floats(over_batch(posterior.exp()));
    sink.put("batch/use", "Use of the classes",
             "Mean posterior probability over the batch, groups × classes: a dark cell is a dead class, one bright "
             "cell alone in its row a collapsed group",
             std::move(map));
  }
  if (sink.wants("batch/entropy")) {
    const auto caption = "Mean H[" + seen + "] of every group, nats: near 0 every frame decides, near ln(classes) none does";
    put_bars(sink, "batch/entropy", "Entropy of the posterior, over the batch", caption.c_str(),
             over_batch(categorical_entropy(grid(posterior))));
  }
}

std::vector<std::string> LatentReport::warnings(const torch::Tensor& posterior, const torch::Tensor& prior) const {
  std::vector<std::string> found;
  if (!posterior.defined()) return found;
  torch::NoGradGuard no_grad;
  if (auto collapsed = collapse_warning(over_batch(kl(posterior, prior)), "groups"); !collapsed.empty()) found.push_back(std::move(collapsed));
  // A class that only the uniform share keeps alive.
  const auto dead = over_batch(posterior.exp()) < std::max(1.5 * unimix / static_cast<double>(classes), 1e-4);
  if (const auto count = dead.sum().item<std::int64_t>(); count > 0) {
    found.push_back(std::to_string(count) + " of " + std::to_string(dead.numel()) + " classes are dead" + named_few(dead, classes) +
                    ", as group.class: no frame of the batch chose them. A larger unimix or more varied data keeps them in use");
  }
  return found;
}

void LatentReport::check_editable(const std::string& probe, const char* what) {
  if (probe != "latent/z") throw Error("'" + probe + "' cannot be " + what + "; the editable probe of this model is latent/z");
}

torch::Tensor LatentReport::edited(const torch::Tensor& z, const std::string& probe, std::int64_t index, double value) const {
  check_editable(probe, "edited");
  if (index < 0 || index >= groups * classes) {
    throw Error("latent/z has elements 0 to " + std::to_string(groups * classes - 1) + ", not " + std::to_string(index));
  }
  auto changed = z.clone();
  auto group = grid(changed).select(1, index / classes);
  if (classes == 1) return group.fill_(value), changed;
  group.zero_();
  group.select(1, index % classes).fill_(1);
  return changed;
}

}  // namespace dream
