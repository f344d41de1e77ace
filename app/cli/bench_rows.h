#pragma once
#include <torch/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace dream::cli {

/// A folder of its own that goes when nothing measures it any more.
struct BenchFolder {
  BenchFolder();
  ~BenchFolder();
  BenchFolder(const BenchFolder&) = delete;
  BenchFolder& operator=(const BenchFolder&) = delete;
  std::filesystem::path path;
};

/// Units per second, and per second of processor time (of all threads together), which other programs disturb less.
struct Rate {
  double wall = 0, processor = 0;
};

struct Row {
  std::string name, what, unit;
  Rate rate;
  std::vector<std::pair<std::string, double>> parts = {};  // seconds of one unit of work, by part; may be empty
  double flop = 0;  // of one unit: multiplications and additions in the matrix products of its layers; 0 = not counted
};

/// FLOP/s of a large matrix product: what row.flop can be held against. By the same threads. bfloat16: 0 where it is
/// emulated, and nothing of ours uses it.
struct Peaks {
  double float32 = 0, bfloat16 = 0;
};
Peaks measure_peaks(double seconds, const torch::Device& device);

/// A row that can be measured: its name is known before.
struct Measurement {
  std::string name;
  std::function<Row()> run;
};

/// Calls `work`, which returns the units that it did, for `seconds` after a warm-up; the best of three stretches, since
/// other programs can only make it slower.
Rate rate(double seconds, const std::function<double()>& work);

/// World Models: training of V and M, dreams, and the search for C.
std::vector<Measurement> vmc_rows(double seconds, const torch::Device& device);

/// MinAtar's five games under a random policy, a fresh seed for every episode.
std::vector<Measurement> minatar_rows(double seconds);

/// Updates and dreams of the Dreamer family, batch 16 × 64, pictures of 64 × 64, horizon 15.
std::vector<Measurement> dreamer_rows(double seconds, const std::string& device);

/// Who plans, searches and is asked for returns, at the sizes of the published code that bench/compare_planning.py runs.
std::vector<Measurement> planning_rows(double seconds, const std::string& device);

/// JEPA and Genie, each as its recipe has it and at the sizes of the published code that bench/compare_representation.py runs.
std::vector<Measurement> representation_rows(double seconds, const std::string& device);

/// Models of tokens and of diffusion, at their published sizes and at those for two cores: dreams of one lane, and updates.
/// bench/compare_dreams.py runs the published code beside them.
std::vector<Measurement> dream_rows(double seconds, const std::string& device);

/// Videos as datasets: a clip of 480 lines that is made for it, or those that are named.
std::vector<Measurement> video_rows(double seconds, const std::vector<std::string>& files = {});

/// Any worlds under random actions, in so many lanes: `world NAME LANES`.
std::vector<Measurement> world_rows(const std::vector<std::string>& worlds, std::int64_t lanes, double seconds);

}  // namespace dream::cli
