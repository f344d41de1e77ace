#pragma once
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "tests/data/temp_folder.h"

#ifndef EXPECT_SAYS
#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)
#endif

namespace dream::test {

struct CliResult {
  int code = -1;  // 128 + the signal, when one ended it
  std::string out, err;
};

class CliTest : public ::testing::Test {
 protected:
  using Arguments = std::vector<std::string>;

  /// `before` runs in the new process, when its output goes into our files already.
  pid_t start(const Arguments& arguments, const std::function<void()>& before = {}) {
    const auto out = (folder_ / "stdout").string(), err = (folder_ / "stderr").string();
    std::vector<std::string> words = {DREAMSCOPE_BIN_DIR "/dreamscope-cli"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      if (!std::freopen(out.c_str(), "w", stdout) || !std::freopen(err.c_str(), "w", stderr)) _exit(127);
      if (before) before();
      execv(argv[0], argv.data());
      _exit(127);
    }
    return child;
  }

  CliResult wait(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_bytes(folder_ / "stdout"),
            read_bytes(folder_ / "stderr")};
  }
  CliResult run(const Arguments& arguments, const std::function<void()>& before = {}) {
    return wait(start(arguments, before));
  }

  /// It must work.
  std::string good(const Arguments& arguments) {
    const auto result = run(arguments);
    EXPECT_EQ(result.code, 0) << arguments[0] << ": " << result.err;
    return result.out;
  }
  /// It must end with one line on stderr that holds `part`.
  void bad(const Arguments& arguments, const std::string& part) {
    const auto result = run(arguments);
    std::string line;
    for (const auto& word : arguments) line += word + " ";
    SCOPED_TRACE(line);
    EXPECT_NE(result.code, 0);
    EXPECT_LT(result.code, 128) << "it crashed";
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_TRUE(result.err.starts_with("dreamscope-cli: ")) << result.err;
    EXPECT_SAYS(result.err, part);
    EXPECT_LT(result.err.size(), 700u) << result.err;
  }

  Arguments train(const std::string& run, const Arguments& more = {}) {
    Arguments words = {"train", "vmc", "--env", "CarRacing", "--out", path(run), "--threads", "1", "--quiet"};
    for (const char* setting : {"collect.episodes=4", "collect.max_steps=80", "collect.lanes=2", "v.epochs=2",
                                "v.batch=20", "v.latent_size=4", "v.bfloat16=false", "m.hidden_size=8", "m.steps=20",
                                "m.sequence=20", "m.batch=4", "m.heads=true", "c.generations=2", "c.population=4",
                                "c.episodes=1", "c.max_steps=60", "c.lanes=4", "evaluate.episodes=2"}) {
      words.insert(words.end(), {"--set", setting});
    }
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  /// The number after `key` in a JSON text.
  static double number(const std::string& json, const std::string& key) {
    const auto at = json.find("\"" + key + "\":");
    EXPECT_NE(at, std::string::npos) << key << " in " << json;
    return at == std::string::npos ? 0 : std::strtod(json.c_str() + at + key.size() + 3, nullptr);
  }

  test::TempFolder folder_;
};

}  // namespace dream::test
