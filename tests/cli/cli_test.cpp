// dreamscope-cli as a program: what it prints, how it ends, what it leaves on the disk.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "core/base/npy.h"
#include "tests/cli/cli_fixture.h"

namespace dream {
namespace cli_test {

using test::read_bytes;

using test::CliTest;

TEST_F(CliTest, EveryVerbHelps) {
  const auto help = good({"--help"});
  for (const std::string verb : {"train", "collect", "eval", "trace", "bench", "info", "export", "replay"}) {
    EXPECT_SAYS(help, verb);
    const auto own = good({verb, "--help"});
    for (const char* option : {"--device", "--threads", "--seed", "--quiet"}) EXPECT_SAYS(own, option);
  }
  EXPECT_FALSE(good({"--version"}).empty());
  const auto settings = good({"train", "vmc", "--list"});
  EXPECT_SAYS(settings, "learning_rate");
  EXPECT_SAYS(settings, "[c]");
}

TEST_F(CliTest, MistakesAreOneSentenceAndANonZeroExit) {
  const auto run_path = path("run");
  bad({}, "subcommand");
  bad({"trian"}, "did you mean 'train'");
  bad({"train"}, "recipe");
  bad({"train", "vmc"}, "--out");
  bad({"train", "vcm", "--out", run_path}, "did you mean 'vmc'");
  bad({"train", "vmc", "--env", "CarRacng", "--out", run_path}, "'CarRacing'");
  bad({"train", "vmc", "--out", run_path, "--set", "v.lerning_rate=1"}, "v.learning_rate");
  bad({"train", "vmc", "--out", run_path, "--set", "v.learning_rate"}, "v.learning_rate");
  bad({"train", "vmc", "--out", run_path, "--set", "v.learning_rate=-1"}, "v.learning_rate");
  bad({"train", "vmc", "--out", run_path, "--phase", "x"}, "collect, v, m, c, evaluate");
  bad({"train", "vmc", "--out", run_path, "--device", "tpu"}, "tpu");
  bad({"train", "vmc", "--out", run_path, "--threads", "-3"}, "--threads");
  bad({"train", "vmc", "--out", run_path, "--unknown"}, "--unknown");
  bad({"train", "vmc", "--out", "/dev/null/run"}, "/dev/null/run");
  EXPECT_FALSE(std::filesystem::exists(run_path)) << "a mistake leaves nothing behind";
  bad({"collect", "--out", path("data"), "--policy", path("missing"), "--episodes", "1"}, "missing");
  bad({"collect", "--episodes", "1"}, "--out");
  bad({"collect", "--out", path("data"), "--episodes", "0"}, "--episodes");
  bad({"collect", "--out", path("data"), "--env", "Car", "--episodes", "1"}, "Car");
  bad({"eval"}, "run");
  bad({"eval", path("missing")}, "does not exist");
  bad({"info", path("missing")}, "does not exist");
  bad({"info", folder_.path().string()}, "checkpoint.safetensors");
  bad({"export", path("missing"), "--out", path("x.safetensors")}, "does not exist");
  bad({"trace", "--actions", path("missing.npy"), "--out", path("t.npz")}, "missing.npy");
  bad({"lab", "horizon", path("missing"), "--json", path("both"), "--csv", path("./both")}, "two files were expected");
  test::write_bytes(folder_ / "garbage.safetensors", std::string(100, 'x'));
  for (const char* verb : {"info", "eval"}) bad({verb, path("garbage.safetensors")}, "garbage.safetensors");
  test::write_bytes(folder_ / "garbage.npy", "not an array");
  bad({"trace", "--actions", path("garbage.npy"), "--out", path("t.npz")}, "garbage.npy");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "t.npz"));
}

TEST_F(CliTest, TraceWritesWhatTheIssueNames) {
  constexpr std::size_t steps = 30;
  std::vector<float> actions;
  for (std::size_t i = 0; i < steps; ++i) actions.insert(actions.end(), {0.1f, 0.5f, 0.0f});
  write_npy(folder_ / "a.npy", NpyArray::of<float>({steps, 3}, actions));
  good({"trace", "--env", "CarRacing", "--seed", "7", "--actions", path("a.npy"), "--out", path("t.npz")});
  const auto trace = read_npz(folder_ / "t.npz");
  using Shape = std::vector<std::size_t>;
  EXPECT_EQ(trace.at("observation").shape, (Shape{steps, 96, 96, 3}));
  EXPECT_EQ(trace.at("observation").type, NpyType::u1);
  EXPECT_EQ(trace.at("reward").shape, (Shape{steps}));
  EXPECT_EQ(trace.at("terminated").shape, (Shape{steps}));
  EXPECT_EQ(trace.at("truncated").shape, (Shape{steps}));
  EXPECT_EQ(trace.at("pose").shape, (Shape{steps, 3}));
  ASSERT_EQ(trace.at("track").shape.size(), 2u);
  EXPECT_GT(trace.at("track").shape[0], 100u);
  EXPECT_EQ(trace.at("track").shape[1], 4u);
  write_npy(folder_ / "two.npy", NpyArray::of<float>({steps / 2, 2}, std::vector<float>(steps)));
  bad({"trace", "--actions", path("two.npy"), "--out", path("u.npz")}, "two.npy");
}

TEST_F(CliTest, BenchWritesItsFigures) {
  // Not the large Dreamer models: they would take minutes.
  good({"bench", "--seconds", "0.05", "--threads", "1", "--json", path("bench.json"), "--only", "car_racing", "--only",
        "v_train", "--only", "dream_decode", "--only", "dream_batch"});
  const auto json = read_bytes(folder_ / "bench.json");
  for (const char* row : {"car_racing", "v_train", "dream_decode", "dream_batch"}) EXPECT_SAYS(json, row);
  EXPECT_EQ(json.find("m_train"), std::string::npos);
  EXPECT_EQ(number(json, "threads"), 1);
  EXPECT_GT(number(json, "rate"), 0);
}

// One run from training to export. It is torn by kill -9 again and again, and must end as if it never was.
TEST_F(CliTest, ATrainingThatIsKilledAgainAndAgainEndsAsIfItNeverWas) {
  good(train("whole"));
  int kills = 0;
  // Later and later, so that the blow falls into every phase; a checkpoint a second lets the run go on between.
  for (int patience_ms = 900; kills < 6; patience_ms += 700) {
    const auto child = start(train("torn", {"--resume", "--checkpoint-seconds", "1"}));
    std::this_thread::sleep_for(std::chrono::milliseconds(patience_ms));
    kill(child, SIGKILL);
    const auto result = wait(child);
    if (result.code == 0) break;  // it was faster
    EXPECT_EQ(result.code, 128 + SIGKILL) << result.err;
    ++kills;
  }
  EXPECT_GE(kills, 1);
  const auto score = good(train("torn", {"--resume"}));
  EXPECT_SAYS(score, "over 2 unseen tracks");
  for (const char* run : {"whole", "torn"})
    good({"export", path(run), "--out", path(std::string(run) + ".safetensors")});
  const auto weights = [&](const std::string& name) {  // behind the header, which names the folders
    const auto bytes = read_bytes(folder_ / (name + ".safetensors"));
    std::uint64_t header = 0;
    for (int i = 7; i >= 0; --i)
      header = header << 8 | static_cast<unsigned char>(bytes.at(static_cast<std::size_t>(i)));
    return bytes.substr(8 + header);
  };
  EXPECT_TRUE(weights("whole") == weights("torn")) << "the same weights to the last bit";

  bad(train("whole"), "--resume");
  bad({"train", "vmc", "--out", path("whole"), "--resume", "--set", "m.hidden_size=16", "--quiet"},
      "m.hidden_size is fixed");
  EXPECT_EQ(good(train("whole", {"--resume"})), score) << "nothing is left to do";
  EXPECT_EQ(good({"train", "--resume", "--out", path("whole"), "--quiet"}), score)
      << "a run knows its recipe and its world";
  bad({"train", "--resume", "--out", path("nowhere")}, "no run to resume");
  EXPECT_SAYS(run(train("fresh", {"--resume", "--phase", "collect"})).err, "fresh holds no run to resume: one begins there");
  bad({"train", "--out", path("nowhere")}, "recipe is missing");

  // SIGINT saves and says so by its exit code, also where `timeout` hands on what the terminal had sent already.
  const auto child = start(train("interrupted", {"--set", "collect.episodes=4000"}));
  for (int i = 0; i < 6000 && !std::filesystem::exists(folder_ / "interrupted" / "checkpoint.safetensors"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(child, SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  kill(child, SIGINT);
  EXPECT_EQ(wait(child).code, 128 + SIGINT);

  auto info = good({"info", path("whole")});
  EXPECT_SAYS(info, "departs      ");
  for (const char* part : {"parameters", "evaluate", "100 %", "score", "latent_size = 4"}) EXPECT_SAYS(info, part);
  EXPECT_SAYS(good({"info", path("whole/data/random")}), "episodes     4");

  // Collecting with the run's own controller.
  good({"collect", "--env", "CarRacing", "--policy", path("whole"), "--episodes", "2", "--max-steps", "30", "--out",
        path("driven"), "--threads", "1", "--quiet"});
  good({"collect", "--env", "CarRacing", "--episodes", "3", "--max-steps", "30", "--out", path("random"), "--threads",
        "1", "--quiet"});
  good({"collect", "--env", "CarRacing", "--policy", "random-weights", "--episodes", "2", "--max-steps", "5", "--out",
        path("untrained"), "--threads", "1", "--quiet"});
  EXPECT_SAYS(good({"info", path("untrained")}), "random-weights");
  info = good({"info", path("driven")});
  EXPECT_SAYS(info, "steps        60");
  EXPECT_SAYS(info, "64 × 64 × 3");
  bad({"collect", "--env", "CarRacingRandomized", "--policy", path("whole"), "--episodes", "2", "--out", path("other")},
      "CarRacing");

  // The export dreams and scores as the run does.
  const auto score_of = [&](const std::string& run, const Arguments& more) {
    Arguments words = {"eval", path(run), "--episodes",       "2",         "--max-steps", "40",     "--horizon",
                       "0",    "--json",  path("score.json"), "--threads", "1",           "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    good(words);
    const auto json = read_bytes(folder_ / "score.json");
    EXPECT_EQ(number(json, "episodes"), 2);
    return number(json, "mean");
  };
  const double real = score_of("whole", {}), dream = score_of("whole", {"--dream", "--tau", "0.7"});
  EXPECT_EQ(score_of("whole", {}), real) << "the same tracks, the same score";
  EXPECT_EQ(score_of("whole.safetensors", {}), real);
  EXPECT_EQ(score_of("whole.safetensors", {"--dream", "--tau", "0.7"}), dream);
  good({"export", path("whole"), "--half", "--out", path("half.safetensors")});
  EXPECT_LT(std::filesystem::file_size(folder_ / "half.safetensors"),
            std::filesystem::file_size(folder_ / "whole.safetensors") * 6 / 10);
  EXPECT_NEAR(score_of("half.safetensors", {}), real, 5);
  good({"export", path("whole"), "--half", "--half-behaviour", "--out", path("small.safetensors")});
  EXPECT_LT(std::filesystem::file_size(folder_ / "small.safetensors"), std::filesystem::file_size(folder_ / "half.safetensors"));
  EXPECT_NEAR(score_of("small.safetensors", {}), real, 5);
  EXPECT_SAYS(good({"info", path("half.safetensors")}), "an export");
  bad({"export", path("whole"), "--out", path("whole/checkpoint.safetensors")}, "--out");
  good({"eval", path("half.safetensors"), "--episodes", "1", "--max-steps", "70", "--horizon", "3", "--seed", "5",
        "--json", path("score.json"), "--threads", "1", "--quiet"});
  bad({"eval", path("half.safetensors"), "--episodes", "1", "--max-steps", "63", "--horizon", "3"},
      "too short for --horizon 3");
  const auto json = read_bytes(folder_ / "score.json");
  EXPECT_GT(number(json, "reconstruction_mse"), 0);
  EXPECT_SAYS(json, "imagined_mse");
}

// What differs where actions are choices, and settings that come from a file.
TEST_F(CliTest, ADreamerIsTrainedFromASettingsFileAndScoredBesideChance) {
  const auto settings = path("settings.toml");
  const auto write = [&](const std::string& batch) {
    test::write_bytes(
        folder_ / "settings.toml",
        "[world]\ndeter = 16\nhidden = 8\nunits = 8\ndepth = 2\ngroups = 3\n[behaviour]\nunits = 8\nhorizon = 3\n"
        "[train]\nsteps = 70\nprefill = 40\nlanes = 2\nlength = 6\nevaluate_episodes = 2\nbatch = " +
            batch + "\n");
  };
  const auto train = [&](const Arguments& more) {
    Arguments words = {"train",    "dreamer-v3", "--env",     "Catch", "--out",  path("run"),
                       "--config", settings,     "--threads", "1",     "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  write("\"many\"");
  bad(train({}), "train.batch");
  write("0");
  bad(train({}), "train.batch");
  test::write_bytes(folder_ / "settings.toml", "[train\n");
  bad(train({}), "settings.toml");
  write("2\nunheard = 3");
  bad(train({}), "train.unheard");
  bad({"train", "dreamer-v3", "--env", "Catch", "--out", path("run"), "--config", path("missing.toml")},
      "missing.toml");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run")) << "a mistake leaves nothing behind";
  write("2");
  good(train({"--set", "behaviour.horizon=4"}));
  const auto info = good({"info", path("run")});
  EXPECT_SAYS(info, "deter = 16");
  EXPECT_SAYS(info, "horizon = 4");  // --set comes after the file

  // Catch lasts nine steps and gives 1 or -1; uniform actions catch less often than not.
  const auto said = good(
      {"eval", path("run"), "--episodes", "60", "--random", "--json", path("score.json"), "--threads", "1", "--quiet"});
  EXPECT_SAYS(said, "random actions");
  const auto json = read_bytes(folder_ / "score.json");
  EXPECT_LT(number(json, "random_mean"), 0);
  EXPECT_GE(number(json, "random_mean"), -1);
  EXPECT_SAYS(json, "imagined_mse");
  bad({"eval", path("run"), "--dream", "--random"}, "--random");

  good({"collect", "--env", "Catch", "--policy", "random", "--episodes", "3", "--out", path("catch"), "--threads", "1",
        "--quiet"});
  good({"collect", "--env", "Catch", "--policy", path("run"), "--episodes", "2", "--out", path("caught"), "--threads",
        "1", "--quiet"});
  EXPECT_SAYS(good({"info", path("catch")}), "episodes     3");
}

}  // namespace cli_test
}  // namespace dream
