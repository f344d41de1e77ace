#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace dream {

/// The project's one seeded stream: bit for bit NumPy's `Generator(PCG64(SeedSequence(seed)))`, so that a seed means
/// the same here and in Python. A small value: copy it to branch a stream, save state() to resume it.
///
/// Sources: O'Neill 2014 (PCG, XSL-RR 128/64), NumPy `SeedSequence` (O'Neill's seed_seq_fe), Lemire 2019 (bounded
/// integers).
class Rng {
 public:
  /// Everything that the stream is, as plain words, for checkpoints.
  struct State {
    std::uint64_t state_high = 0, state_low = 0, increment_high = 0, increment_low = 0;
    std::uint64_t seed = 0, key = 0;  // where the stream began; fork() starts from these
    std::uint32_t has_half = 0, half = 0;
    bool operator==(const State&) const = default;
  };

  explicit Rng(std::uint64_t seed = 0);
  explicit Rng(const State& state) : state_(state) {}

  /// An independent stream with a name. It depends on this stream's seed and the key alone, not on how many numbers
  /// were drawn, so that adding a consumer never shifts another one's numbers.
  Rng fork(std::string_view key) const;
  Rng fork(std::uint64_t key) const;

  std::uint64_t next64();
  std::uint32_t next32();  // NumPy's: two halves of one 64-bit draw, low half first

  /// [0, 1), 53 bits; NumPy's Generator.random().
  double random();
  /// [low, high); NumPy's Generator.uniform().
  double uniform(double low, double high);
  /// [0, n), n >= 1; NumPy's Generator.integers(n).
  std::uint64_t integers(std::uint64_t n);
  /// Standard normal (Marsaglia's polar method; not NumPy's ziggurat, so the numbers differ from NumPy's).
  double normal();
  /// An index drawn in proportion to `weights` (not negative, not all zero).
  std::size_t categorical(std::span<const float> weights);

  // UniformRandomBitGenerator, for std::shuffle.
  using result_type = std::uint64_t;
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }
  result_type operator()() { return next64(); }

  const State& state() const { return state_; }
  bool operator==(const Rng&) const = default;

 private:
  Rng(std::uint64_t seed, std::uint64_t key);
  State state_;
};

/// NumPy's SeedSequence(entropy, spawn_key).generate_state(n, uint32), exposed for its tests.
std::array<std::uint32_t, 8> seed_sequence_words(std::span<const std::uint32_t> entropy);

}  // namespace dream
