#include "core/env/trace.h"

#include <cstdio>

#include "api/error.h"
#include "app/cli/verb.h"
#include "core/env/bridge/gym_env.h"
#include "core/env/registry.h"

namespace dream::cli {

Verb trace_verb(CLI::App& app) {
  struct Options {
    std::string environment = "CarRacing", actions, out;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("trace", "Play given actions from a seed and write what happened as NumPy arrays");
  command->add_option("--env", options->environment, "The environment")->capture_default_str();
  command->add_option("--actions", options->actions, "The actions, a .npy file of shape [T, axes]")->required();
  command
      ->add_option("--out", options->out,
                   "The .npz file to write: observation, reward, terminated, truncated, pose, track; "
                   "cost where the environment has costs")
      ->required();

  return {command, [options](const Common& common) {
            check_output("--out", options->out, options->actions);
            const auto env = make_env(options->environment);
            if (const auto* bridged = dynamic_cast<const GymEnv*>(env.get()); bridged && !common.quiet) {
              for (const auto& part : bridged->left_out())
                std::fprintf(stderr, "%s: left out of what is seen: %s\n", printable(options->environment).c_str(), printable(part).c_str());
            }
            const NpyArray actions = read_npy(options->actions);
            Npz trace;
            try {
              trace = make_trace(*env, common.seed, actions);
            } catch (const Error& error) {
              throw Error(options->actions + ": " + error.what());
            }
            write_npz(options->out, trace);
            if (!common.quiet) {
              std::printf("%s: %zu steps from seed %llu\n", printable(options->out).c_str(),
                          trace.at("reward").shape[0], static_cast<unsigned long long>(common.seed));
            }
          }};
}

}  // namespace dream::cli
