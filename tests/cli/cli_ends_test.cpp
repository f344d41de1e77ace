// How dreamscope-cli ends when something is wrong: numbers, destinations, full disks, signals, damaged files.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>

#include "core/base/durable_file.h"
#include "core/base/npy.h"
#include "core/nn/checkpoint.h"
#include "tests/cli/cli_fixture.h"

namespace dream {
namespace cli_ends_test {

using test::read_bytes;
namespace fs = std::filesystem;

const std::string catch_run = DREAMSCOPE_SOURCE_DIR "/assets/runs/catch";

class CliEndsTest : public test::CliTest {
 protected:
  /// A run so small that a step takes milliseconds, and so long that it is always stopped before its end.
  Arguments endless(const std::string& run, const Arguments& more = {}) {
    Arguments words = {"train", "dreamer-v3", "--env", "Catch", "--out", path(run), "--threads", "1"};
    for (const char* setting : {"world.deter=16", "world.hidden=8", "world.units=8", "world.depth=2", "world.groups=3",
                                "behaviour.units=8", "behaviour.horizon=3", "train.steps=10000000", "train.prefill=40",
                                "train.lanes=2", "train.length=6", "train.batch=2", "train.evaluate_episodes=2"})
      words.insert(words.end(), {"--set", setting});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  template <typename Ready>
  static void await(Ready ready) {
    for (int i = 0; i < 12000 && !ready(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_TRUE(ready());
  }
  /// The steps of learning that the run's checkpoint holds, by `info`.
  double progress(const std::string& run) {
    const auto info = good({"info", path(run)});
    const auto at = info.find("phase        learn");
    EXPECT_NE(at, std::string::npos) << info;
    return at == std::string::npos ? 0 : std::strtod(info.c_str() + info.find("%  ", at) + 3, nullptr);
  }
  Arguments names() const {
    Arguments all;
    for (const auto& entry : fs::directory_iterator(folder_.path())) all.push_back(entry.path().filename());
    std::sort(all.begin(), all.end());
    return all;
  }
  static void redirect(const char* to, int descriptor) {
    const int opened = open(to, O_WRONLY);
    if (opened >= 0) dup2(opened, descriptor);
  }
};

TEST_F(CliEndsTest, NumbersAreFiniteAndInRangeOrRefusedInOneSentence) {
  bad({"eval", catch_run, "--tau", "nan"}, "--tau: 'nan': a number between 0.01 and 10 was expected");
  bad({"eval", catch_run, "--tau", "1e999"}, "'1e999'");
  bad({"eval", catch_run, "--episodes", "1.5"}, "a whole number between 1 and 1000000");
  bad({"collect", "--out", path("d"), "--noise", "nan"}, "a number between 0 and 10");
  bad({"collect", "--out", path("d"), "--noise", "-0.1"}, "a number between 0 and 10");
  bad(endless("r", {"--checkpoint-seconds", "nan"}), "a number between 1 and 86400");
  bad(endless("r", {"--checkpoint-seconds", "inf"}), "a number between 1 and 86400");
  for (const char* seed : {"", "-1", "nan", "99999999999999999999", "0x10", "one"})
    bad({"eval", catch_run, "--seed", seed},
        "'" + std::string(seed) + "': a whole number between 0 and 9223372036854775807 was expected");
  bad({"bench", "--seconds", "nan"}, "a number between 0.05 and 600");
  EXPECT_EQ(names(), (Arguments{"stderr", "stdout"}));
  good({"eval", catch_run, "--episodes", "1e1", "--seed", "007", "--quiet", "--threads", "1"});
}

TEST_F(CliEndsTest, AScoreIsKeptInTheRunWhereListsFindIt) {
  fs::create_directory(folder_ / "run");
  auto weights = Checkpoint::load(catch_run + "/checkpoint.safetensors");
  weights.metadata.erase("fact/score");
  weights.save(folder_ / "run" / "checkpoint.safetensors");
  const auto score_in = [&] {
    const auto said = Checkpoint::peek(folder_ / "run" / "checkpoint.safetensors").metadata;
    return said.contains("fact/score") ? said.at("fact/score") : "none";
  };
  const auto said = good({"eval", path("run"), "--episodes", "6", "--horizon", "0", "--quiet", "--threads", "1"});
  EXPECT_EQ(score_in(), "none") << "not asked for";
  good({"eval", path("run"), "--episodes", "6", "--horizon", "0", "--keep", "--quiet", "--threads", "1"});
  EXPECT_NE(score_in().find("over 6 unseen episodes"), std::string::npos) << score_in();
  EXPECT_EQ(said.find("return  " + score_in().substr(0, 4)), 0u) << said << score_in();
  bad({"eval", path("run"), "--dream", "--keep"}, "leave --dream away");
}

TEST_F(CliEndsTest, DestinationsAreCheckedBeforeAnythingIsComputed) {
  write_npy(folder_ / "a.npy", NpyArray::of<float>({2}, std::vector<float>{0, 1}));
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  fs::create_symlink("/dev/null", folder_ / "null");
  fs::create_symlink("later", folder_ / "link");
  const auto writers = [&](const std::string& out) {
    return std::vector<Arguments>{{"eval", catch_run, "--json", out},
                                  {"export", catch_run, "--out", out},
                                  {"trace", "--env", "Catch", "--actions", path("a.npy"), "--out", out},
                                  {"bench", "--only", "nothing", "--json", out}};
  };
  for (const auto& [name, why] : {std::pair{"no/such/e", "there is no folder"},
                                  {"fifo", "it is a pipe"},
                                  {"null", "it is a device"},
                                  {"", "it is a folder"}}) {
    for (const auto& arguments : writers(path(name))) {
      bad(arguments, why);
      EXPECT_EQ(read_bytes(folder_ / "stdout"), "") << arguments[0] << " did its work first";
    }
  }
  EXPECT_TRUE(fs::is_fifo(folder_ / "fifo"));
  EXPECT_TRUE(fs::is_symlink(folder_ / "null"));
  good(writers(path("link"))[2]);
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_npz(folder_ / "later").at("reward").shape[0], 2u);
  // What is read is not what is written.
  bad({"trace", "--env", "Catch", "--actions", path("a.npy"), "--out", path("a.npy")}, "--out is");
  fs::copy(catch_run, folder_ / "run");
  const auto before = read_bytes(folder_ / "run" / "checkpoint.safetensors");
  bad({"eval", path("run"), "--json", path("run/checkpoint.safetensors")}, "--json is");
  EXPECT_EQ(read_bytes(folder_ / "run" / "checkpoint.safetensors"), before);
}

TEST_F(CliEndsTest, WhatCannotBePrintedIsNotSuccess) {
  for (const Arguments& arguments : {Arguments{"train", "vmc", "--list"}, {"info", catch_run}, {"--help"}}) {
    const auto result = run(arguments, [] { redirect("/dev/full", STDOUT_FILENO); });
    EXPECT_EQ(result.code, 1) << arguments[0];
    EXPECT_EQ(result.err, "dreamscope-cli: standard output could not be written: the disk is full\n");
  }
}

TEST_F(CliEndsTest, AFullDiskStopsInWordsAndLeavesNothingHalf) {
  const auto limited = [] {
    const rlimit little = {20000, 20000};
    setrlimit(RLIMIT_FSIZE, &little);
  };
  for (const Arguments& arguments : {Arguments{"export", catch_run, "--out", path("out")},
                                     endless("out", {"--quiet"}),
                                     {"collect", "--env", "CarRacing", "--out", path("out"), "--threads", "1",
                                      "--episodes", "1", "--max-steps", "40", "--quiet"}}) {
    const auto result = run(arguments, limited);
    EXPECT_EQ(result.code, 1);
    EXPECT_SAYS(result.err, "': the file would be larger than is allowed here.\n");
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    if (fs::exists(folder_ / "out")) {
      for (const auto& entry : fs::recursive_directory_iterator(folder_ / "out"))
        EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
    }
    fs::remove_all(folder_ / "out");
  }
}

TEST_F(CliEndsTest, ASignalSavesTheRunAndIsTheExitCode) {
  double before = -1;
  for (const int sent : {SIGINT, SIGTERM, SIGHUP}) {
    const auto child = start(endless("r", {"--resume", "--quiet"}));
    await([&] { return fs::exists(folder_ / "r" / "checkpoint.safetensors"); });
    std::this_thread::sleep_for(std::chrono::milliseconds(before < 0 ? 500 : 3000));
    kill(child, sent);
    if (sent == SIGHUP) kill(child, sent);  // a terminal that closes sends it more than once
    EXPECT_EQ(wait(child).code, 128 + sent);
    const double now = progress("r");
    EXPECT_GT(now, before) << "what was learned is kept";
    before = now;
  }
  // Under nohup it goes on.
  const auto child = start(endless("n", {"--quiet"}), [] { signal(SIGHUP, SIG_IGN); });
  await([&] { return fs::exists(folder_ / "n" / "checkpoint.safetensors"); });
  kill(child, SIGHUP);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  kill(child, SIGINT);
  EXPECT_EQ(wait(child).code, 128 + SIGINT);
}

TEST_F(CliEndsTest, ABrokenPipeSavesTheRunAndIsNoSuccess) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const auto child = start(endless("r"), [&] { dup2(ends[1], STDERR_FILENO), close(ends[0]), close(ends[1]); });
  close(ends[1]);
  char byte = 0;
  ASSERT_EQ(read(ends[0], &byte, 1), 1);  // the first line of progress; then nobody reads on
  close(ends[0]);
  EXPECT_EQ(wait(child).code, 128 + SIGPIPE);
  EXPECT_GT(progress("r"), 0);
}

TEST_F(CliEndsTest, CollectingStopsWithWholeEpisodesAndGoesOn) {
  const Arguments collect = {"collect", "--env", "Catch", "--out", path("d"), "--threads", "1", "--episodes"};
  const auto with = [&](const char* episodes) {
    auto words = collect;
    words.push_back(episodes);
    return words;
  };
  for (const int sent : {SIGINT, SIGKILL}) {
    const auto child = start(with("1000000"));
    const auto some =
        folder_ / "d" / "data" / "episodes" / (sent == SIGINT ? "episode_000020.hdf5" : "episode_000100.hdf5");
    await([&] { return fs::exists(some); });
    kill(child, sent);
    const auto result = wait(child);
    EXPECT_EQ(result.code, 128 + sent);
    if (sent == SIGINT) {
      EXPECT_SAYS(result.err, "stopped; the same command goes on.");
    }
  }
  good(with("1"));  // opening it removes what was left half written
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "d"))
    EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
  EXPECT_SAYS(good({"info", path("d")}), "environment  Catch");
  test::write_bytes(folder_ / "d" / "data" / "held_out.json", R"({"held_out": ["episode_0"]})");
  EXPECT_SAYS(good({"info", path("d")}), "held out     1 of them");

  // A label of what is not there, and an episode that cannot be read: what opens is counted, the rest is named.
  const auto counted = [&](const std::string& out) { return out.substr(out.find("episodes     "), 30); };
  const auto before = counted(good({"info", path("d")}));
  test::write_bytes(folder_ / "d" / "data" / "held_out.json", R"({"held_out": ["episode_0", "episode_99999"]})");
  auto result = run({"info", path("d")});
  EXPECT_EQ(result.code, 1);
  EXPECT_SAYS(result.out, "held out     1 of them");
  EXPECT_SAYS(result.out, "held_out.json', 'held_out': it names 'episode_99999', and no such episode can be read");
  EXPECT_EQ(counted(result.out), before);
  test::write_bytes(folder_ / "d" / "data" / "episodes" / "episode_000000.hdf5", "not HDF5");
  result = run({"info", path("d")});
  EXPECT_EQ(result.code, 1);
  EXPECT_SAYS(result.out, "episode_000000.hdf5");
  EXPECT_NE(counted(result.out), before);
  EXPECT_EQ(result.out.find("held out "), std::string::npos) << "that one was held out";
  EXPECT_SAYS(result.err, "d is damaged in 2 places, which are named above; train.skip_damaged=true learns from the rest");
}

TEST_F(CliEndsTest, EvalObeysTheFirstSignalInItsSecondPartToo) {
  const auto child = start({"eval", DREAMSCOPE_SOURCE_DIR "/assets/runs/car_racing", "--episodes", "10", "--lanes",
                            "10", "--max-steps", "110", "--horizon", "45", "--json", path("e.json"), "--threads", "1"});
  await([&] { return !read_bytes(folder_ / "stdout").empty(); });
  kill(child, SIGINT);
  const auto result = wait(child);
  EXPECT_EQ(result.code, 128 + SIGINT);
  EXPECT_SAYS(result.out, "return");
  EXPECT_EQ(result.out.find("reconstruction"), std::string::npos) << result.out;
  EXPECT_SAYS(result.err, "interrupted; nothing was written");
  EXPECT_FALSE(fs::exists(folder_ / "e.json"));
}

TEST_F(CliEndsTest, AScoreThatCannotBeKeptIsRefusedBeforeItIsMade) {
  const Arguments evaluate = {"eval", catch_run, "--episodes", "1000000", "--horizon", "0", "--keep", "--threads", "1"};
  bad(evaluate, "is shipped with the program");
  fs::create_directory(folder_ / "own");
  fs::copy_file(catch_run + "/checkpoint.safetensors", folder_ / "own" / "checkpoint.safetensors");
  auto own = evaluate;
  own[1] = path("own");
  const FolderLock trains(folder_ / "own");
  bad(own, "is writing into");
}

TEST_F(CliEndsTest, ARunIsNotBegunWithADatasetThatIsNotThere) {
  for (const Arguments& words : {Arguments{"train", "dreamer-v3", "--env", "Catch", "--set", "train.datasets=nosuch", "--out", path("r")},
                                 Arguments{"train", "vmc", "--set", "collect.datasets=nosuch", "--out", path("r")},
                                 Arguments{"train", "genie", "--env", "Catch", "--set", "train.datasets=nosuch", "--out", path("r")}}) {
    bad(words, "datasets: ");
    bad(words, "nosuch");
    EXPECT_FALSE(fs::exists(folder_ / "r"));
  }
}

TEST_F(CliEndsTest, ACompleteRunTakesNoSettingForWhichNothingIsLeft) {
  auto words = endless("r", {"--set", "train.steps=60", "--set", "train.prefill=20"});
  good(words);
  const Arguments again = {"train", "--resume", "--out", path("r"), "--threads", "1"};
  good(again);
  auto same = again, other = again;
  same.insert(same.end(), {"--set", "train.evaluate_episodes=2"});
  other.insert(other.end(), {"--set", "train.evaluate_episodes=4"});
  good(same);
  bad(other, "is complete: nothing is left to be done with another train.evaluate_episodes");
}

TEST_F(CliEndsTest, ExportsToOneNameAreEachWholeWhateverIsKilled) {
  const Arguments words = {"export", catch_run, "--out", path("e.safetensors"), "--threads", "1"};
  good(words);
  const auto whole = read_bytes(folder_ / "e.safetensors");
  for (int round = 0; round < 4; ++round) {
    const auto first = start(words), second = start(words);
    if (round % 2 == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(300 + 400 * round));
      kill(first, SIGKILL);
    }
    const auto code = wait(first).code;
    EXPECT_TRUE(code == 0 || (round % 2 == 1 && code == 128 + SIGKILL)) << code;
    EXPECT_EQ(wait(second).code, 0);
    EXPECT_TRUE(read_bytes(folder_ / "e.safetensors") == whole) << round;
  }
  good(words);
  EXPECT_EQ(names(), (Arguments{"e.safetensors", "stderr", "stdout"})) << "nothing is left of the killed";
}

const std::string catch_iris = DREAMSCOPE_SOURCE_DIR "/assets/runs/catch_iris";

/// Whose pages of memory are too much to keep: its dreams begin in the world.
TEST_F(CliEndsTest, ADreamIsScoredWhereNoStatesWereKept) {
  const auto said = good({"eval", catch_iris, "--dream", "--episodes", "3", "--max-steps", "9", "--threads", "1", "--quiet"});
  EXPECT_SAYS(said, "return in the dream");
}

TEST_F(CliEndsTest, AnExportMayAskForAnotherRunsDriver) {
  good({"export", catch_iris, "--out", path("e.safetensors"), "--driver", catch_run, "--threads", "1"});
  EXPECT_SAYS(good({"info", path("e.safetensors")}), "driver");
  bad({"export", catch_iris, "--out", path("f.safetensors"), "--driver", path("none")}, "does not exist");
  bad({"export", catch_iris, "--out", path("f.safetensors"), "--driver", DREAMSCOPE_SOURCE_DIR "/assets/runs/pendulum_planet"}, "drives in Pendulum");
  EXPECT_FALSE(fs::exists(folder_ / "f.safetensors"));
}

TEST_F(CliEndsTest, TextsOutOfFilesDoNotReachTheTerminalAsTheyAre) {
  std::string header = R"({"__metadata__":{"evil\u001b[31m":"\u001b]0;owned\u0007\u202etext","long":")" +
                       std::string(5000, 'x') + R"("},"w\u001b[2J":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i));
  test::write_bytes(folder_ / "evil.safetensors", bytes + header + std::string(4, '\0'));
  const auto info = good({"info", path("evil.safetensors")});
  EXPECT_EQ(info.find('\x1b'), std::string::npos) << info;
  EXPECT_EQ(info.find("\u202e"), std::string::npos) << info;
  EXPECT_SAYS(info, "evil\\x1b[31m");
  EXPECT_LT(info.size(), 1000u);
  bad({"info", path("\x1b[31mred")}, "\\x1b[31mred");
  bad({"\x1b[31mverb"}, "\\x1b[31mverb");
  bad({"eval", path("evil.safetensors")}, "evil.safetensors");
}

TEST_F(CliEndsTest, InfoHasAnHonestLineForEachBadFile) {
  const auto bytes = read_bytes(catch_run + "/checkpoint.safetensors");
  test::write_bytes(folder_ / "cut.safetensors", bytes.substr(0, bytes.size() / 2));
  test::write_bytes(folder_ / "empty.safetensors", "");
  test::write_bytes(folder_ / "text.safetensors", "recipe = 'vmc'\n");
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  for (const char* name : {"cut.safetensors", "empty.safetensors", "text.safetensors", "fifo", "none"})
    bad({"info", path(name)}, name);
  bad({"info", "/dev/zero"}, "/dev/zero");
  bad({"info", ""}, "does not exist");
  EXPECT_SAYS(good({"info", catch_run}), "an export");

  // Counters that are damaged are no export.
  const auto child = start(endless("r", {"--quiet"}));
  await([&] { return fs::exists(folder_ / "r" / "checkpoint.safetensors"); });
  kill(child, SIGINT);
  EXPECT_EQ(wait(child).code, 128 + SIGINT);
  const auto file = folder_ / "r" / "checkpoint.safetensors";
  const auto whole = read_bytes(file);
  auto damaged = whole;
  const auto at = damaged.find("learn.counters");
  ASSERT_NE(at, std::string::npos);
  damaged.replace(at, 14, "learn.countres");
  test::write_bytes(file, damaged);
  bad({"info", path("r")}, "not what was saved");
  test::write_bytes(file, whole);
  auto checkpoint = Checkpoint::load(file);
  auto renamed = checkpoint.tensors.extract("learn.counters");
  renamed.key() = "learn.countres";
  checkpoint.tensors.insert(std::move(renamed));
  checkpoint.save(file);
  const auto result = run({"info", path("r")});
  EXPECT_NE(result.code, 0);
  EXPECT_SAYS(result.out, "damaged");
  EXPECT_EQ(result.out.find("an export"), std::string::npos) << result.out;
  EXPECT_SAYS(result.err, "learn.counters");
}

}  // namespace cli_ends_test
}  // namespace dream
