#include "core/behaviours/actor_critic.h"

namespace dream {

void ActorCriticOptions::fields(Config& config, const std::string& prefix) {
  const auto live = [&](const char* name, double& value, const char* help, double low, double high,
                        bool logarithmic = false, const char* title = "") {
    config.add(prefix + name, value,
               {.help = help,
                .low = low,
                .high = high,
                .logarithmic = logarithmic,
                .live = true,
                .title = title});
  };
  const auto size = [&](const char* name, std::int64_t& value, const char* help, double high) {
    config.add(prefix + name, value, {.help = help, .low = 1, .high = high});
  };
  const auto choice = [&](const char* name, auto& value, const char* help, const char* title = "") {
    config.add(prefix + name, value, {.help = help, .title = title});
  };
  config.add(prefix + "horizon", horizon,
             {.help = "Imagined steps, H",
              .unit = "steps",
              .low = 2,
              .high = 200,
              .live = true,
              .title = "horizon H"});
  live("discount", discount, "γ: what a reward one step later is worth", 0, 1, false, "discount γ");
  config.add(prefix + "continue_discounts", continue_discounts,
             {.help = "γ is in the continue head's target (world.discount), so that the first imagined state is "
                      "weighed by it too (V3, 2024)"});
  live("lambda", lambda, "λ of the λ-return: 0 trusts the critic at once, 1 only at the horizon", 0, 1, false,
       "λ of the λ-return");
  choice("gradient", gradient, "How the actor learns: by the score function, through the learned dynamics, or both");
  live("reinforce_share", reinforce_share, "ρ: share of REINFORCE in a mixed gradient", 0, 1, false, "REINFORCE share ρ");
  choice("indexing", indexing,
         "Whose reward a return begins with: of the state that is arrived at (V3), or the present one's");
  config.add(prefix + "include_start", include_start,
             {.help = "The state where imagination starts is learned from too"});
  live("entropy", entropy, "η: weight of the policy's entropy", 0, 1, true, "entropy η");
  live("exploration_noise", exploration_noise,
       "While collecting: σ of the noise on continuous actions, ε of random choices", 0, 2);
  config.add(prefix + "sample_to_evaluate", sample_to_evaluate,
             {.help = "Actions are drawn from the policy also when it is judged; otherwise its mode is taken"});
  choice("continuous", continuous, "Distribution over continuous actions");
  config.add(prefix + "unimix", unimix,
             {.help = "Share of the uniform in a policy over choices", .low = 0, .high = 0.5});
  config.add(prefix + "actor_out_scale", actor_out_scale,
             {.help = "Scale of the actor's first output weights", .low = 0, .high = 10});
  size("actor_layers", actor_layers, "Hidden layers of the actor", 10);
  size("critic_layers", critic_layers, "Hidden layers of the critic", 10);
  size("units", units, "Units of a hidden layer", 65536);
  choice("act", act, "Activation", "activation");
  choice("norm", norm, "Normalisation of every layer", "normalisation");
  choice("init", init, "How weights begin", "first weights");
  config.add(prefix + "eps", eps, {.help = "ε of the normalisation",
              .low = 1e-8,
              .high = 1e-1,
              .logarithmic = true,
              .title = "ε of the normalisation"});
  config.add(prefix + "bias_with_norm", bias_with_norm, {.help = "Layers keep their bias where a norm follows"});
  choice("critic_head", critic_head, "How value is predicted; symlog and symexp are two-hot");
  config.add(prefix + "bins", bins, {.help = "Bins of a two-hot critic, an odd number", .low = 3, .high = 1023});
  choice("target", target, "The slow critic: none; copy: for targets (V2); average: a regulariser (V3)");
  config.add(prefix + "target_every", target_every,
             {.help = "Updates between two copies", .low = 1, .high = 1e6, .live = true});
  live("target_share", target_share, "Share of the critic that enters the average at each update", 0, 1, true);
  config.add(prefix + "normalise_returns", normalise_returns,
             {.help = "Advantages are divided by the running range of returns, 5th to 95th percentile, if above 1"});
  live("replay_critic", replay_critic, "Weight of the critic's loss on replayed rewards", 0, 10, true);
}

}  // namespace dream
