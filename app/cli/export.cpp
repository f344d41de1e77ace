#include "api/error.h"
#include "app/cli/verb.h"
#include "core/engine/guests.h"
#include "core/engine/run_file.h"
#include "core/engine/system.h"

namespace dream::cli {

Verb export_verb(CLI::App& app) {
  struct Options {
    std::string run, out, driver;
    bool half = false, half_behaviour = false;
  };
  auto options = std::make_shared<Options>();
  auto* command =
      app.add_subcommand("export", "Write a run's weights, settings, curves and findings as one safetensors file");
  command->add_option("run", options->run, "The run's folder, or a checkpoint")->required();
  command->add_option("--out", options->out, "The file to write")->required();
  command->add_flag("--half", options->half, "The model's weights in half precision; its behaviour stays as it was scored");
  command->add_flag("--half-behaviour", options->half_behaviour,
                    "The behaviour's weights in half precision too: score what is written, as it acts a little differently");
  command->add_option("--driver", options->driver,
                      "Another run in the same world, whose agent drives in the dreams of what is written, where its own has learned nothing");
  return {command, [options](const Common&) {
            const auto file = checkpoint_path(options->run);
            check_output("--out", options->out, file);
            const auto checkpoint = load_run(file);
            // What a dream needs, and the curves that show what normal looks like. Optimiser and search state stay
            // behind.
            auto system = load_system(checkpoint, "cpu");
            if (!options->driver.empty()) invite_driver(*system, options->driver);  // before anything is written: it may not fit
            Checkpoint out;
            system->store_weights(out);
            leave_out_slow_copies(out, "behaviour");
            for (auto& [name, tensor] : out.tensors) {
              const bool halved = name.starts_with("behaviour") ? options->half_behaviour : options->half;
              if (halved && tensor.is_floating_point()) tensor = tensor.to(torch::kFloat16);
            }
            system->metrics.save(out);
            for (const char* key : {"recipe", "environment", "config"}) out.metadata[key] = checkpoint.text(key);
            out.metadata[run_format_key] = std::to_string(run_format);
            for (const auto& [key, text] : checkpoint.metadata) {
              if (key.starts_with(fact_prefix)) out.metadata[key] = text;
            }
            if (!options->driver.empty())
              out.metadata[std::string(fact_prefix) + driver_fact] =
                  std::filesystem::proximate(options->driver, std::filesystem::absolute(options->out).parent_path()).generic_string();
            out.save(options->out);
            std::printf("%s: %.1f MB\n", printable(options->out).c_str(),
                        static_cast<double>(std::filesystem::file_size(options->out)) / 1e6);
          }};
}

}  // namespace dream::cli
