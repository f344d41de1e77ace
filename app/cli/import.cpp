#include "api/error.h"
#include "app/cli/verb.h"
#include "core/engine/brought/brought.h"

namespace dream::cli {

Verb import_verb(CLI::App& app) {
  struct Options {
    std::vector<std::string> files, settings;
    std::string kind, environment, out;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("import", "Make a run of weights that other people's code has saved: every tensor by its name, nothing of the file is run");
  command->add_option("files", options->files, "What torch.save wrote, or safetensors; several where a model lies in several")->required();
  std::string kinds;
  for (const auto& kind : brought_kinds()) kinds += "\n" + kind.name + ": " + kind.help;
  command->add_option("--as", options->kind, "Whose they are" + kinds)->required();
  command->add_option("--env", options->environment, "The world that they were learned in, or one of the same pictures and actions")->required();
  command->add_option("--out", options->out, "The run's folder, or a .safetensors file")->required();
  command->add_option("--set", options->settings, "A setting that the weights' shapes do not tell, key=value; may be repeated");
  return {command, [options](const Common& common) {
            std::filesystem::path out = options->out;
            if (out.extension() != ".safetensors") out /= "checkpoint.safetensors";
            BroughtSpec spec;
            spec.kind = options->kind, spec.environment = options->environment, spec.settings = options->settings;
            for (const auto& file : options->files) {
              std::error_code differ;
              if (std::filesystem::equivalent(out, file, differ)) check_output("--out", out, file);
              spec.files.emplace_back(file);
            }
            auto brought = bring(spec);
            if (out.has_parent_path()) make_folder(out.parent_path());
            brought.run.save(out);
            std::int64_t values = 0;
            for (const auto& [name, tensor] : brought.run.tensors) values += name.starts_with("model/") || name.starts_with("behaviour/") ? tensor.numel() : 0;
            std::printf("%s: %lld values, %.1f MB\n", printable(out.string()).c_str(), static_cast<long long>(values),
                        static_cast<double>(std::filesystem::file_size(out)) / 1e6);
            if (common.quiet) return;
            for (const auto& remark : brought.remarks) std::fprintf(stderr, "%s\n", remark.c_str());
          }};
}

}  // namespace dream::cli
