#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dream {

struct CmaOptions {
  int dimension = 0;
  int population = 64;            ///< λ; World Models evaluates 64 candidates a generation
  double sigma0 = 0.1;            ///< initial step size, the same along every coordinate
  bool active = true;             ///< negative recombination weights for the worse half, pycma's `CMA_active`
  std::uint64_t seed = 0;         ///< the draws of generation g depend on (seed, g) alone
  std::vector<double> mean = {};  ///< initial mean [dimension]; empty: zeros
};

/// The constants that follow from dimension and population: arXiv:1604.00772 table 1, with the refinements of
/// pycma 4.x (`options_parameters.py`, `recombination_weights.py`, `sigma_adaptation.py`).
struct CmaConstants {
  std::vector<double> weights;  ///< [population], best first; the positive ones sum to 1
  int parents = 0;              ///< number of positive weights, µ
  double mu_eff = 0;            ///< variance-effective number of parents
  double c_sigma = 0, damping = 0;
  double c_c = 0, c_1 = 0, c_mu = 0;
  double chi = 0;             ///< E|N(0, I)|
  double eigen_interval = 0;  ///< generations between two decompositions of C, 1 / (c_1 + c_mu) / N / 10
};
CmaConstants cma_constants(int dimension, int population, bool active);

/// Covariance matrix adaptation evolution strategy with a full covariance matrix, float64. It minimises.
/// Follows Hansen's tutorial (arXiv:1604.00772) with cumulative step-size adaptation and pycma's defaults, as the
/// published World Models runs used them at every dimension. (pycma 4.x itself changes to two-point adaptation
/// from dimension 300 on; the published runs predate that.)
///
/// One thread at a time. `ask` is const: the same state gives the same draws, so a generation that was interrupted
/// between `ask` and `tell` starts again with the same candidates.
class CmaEs {
 public:
  /// Throws dream::Error for a dimension below 1, a population below 4, a step size that is not positive and finite,
  /// or a mean of the wrong size.
  explicit CmaEs(const CmaOptions& options);
  ~CmaEs();
  CmaEs(CmaEs&&) noexcept;
  CmaEs& operator=(CmaEs&&) noexcept;

  int dimension() const;
  int population() const;
  const CmaConstants& constants() const;

  /// The candidates of this generation, [population, dimension] row-major.
  std::vector<double> ask() const;
  /// Updates the distribution. `candidates` is [population, dimension] as returned by `ask` (or changed by the
  /// caller, for example rounded); `costs` is [population], smaller is better, a non-finite cost ranks last. Costs that
  /// are all equal say nothing: the generation counts, and the distribution stays.
  /// Throws dream::Error, with the state unchanged, for a wrong size, a non-finite candidate, candidates
  /// so far off that C overflows, or when no cost is finite.
  void tell(std::span<const double> candidates, std::span<const double> costs);

  std::span<const double> mean() const;
  double sigma() const;
  /// Root mean square over the coordinates of the sampling deviation σ·sqrt(C_ii).
  double rms_deviation() const;
  /// Generations told so far.
  std::int64_t generation() const;
  std::int64_t evaluations() const;
  /// Condition number of C at its latest decomposition.
  double condition() const;
  /// Diagonal of C, [dimension].
  std::vector<double> variances() const;
  /// Length of the path of the step size; about `constants().chi` under random selection.
  double sigma_path_length() const;

  /// Best candidate ever told, [dimension]; empty before the first `tell`.
  std::span<const double> best() const;
  /// Its cost; infinity before the first `tell`.
  double best_cost() const;

  /// pycma's termination conditions that hold now, in words; empty while the search is healthy. Reported only:
  /// nothing stops by itself.
  std::vector<std::string> stop_conditions() const;

  /// The whole state as named arrays. Restored into a CmaEs of the same options it continues bit for bit (same
  /// machine, same Torch thread count).
  std::map<std::string, std::vector<double>> state() const;
  /// Throws dream::Error naming the field, and changes nothing, when an array is missing, unknown, of a wrong size,
  /// out of range, or made with another dimension or population.
  void restore(const std::map<std::string, std::vector<double>>& state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dream
