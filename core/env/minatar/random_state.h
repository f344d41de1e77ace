#pragma once
#include <array>
#include <cstdint>

namespace dream::minatar {

/// NumPy's `RandomState(seed)`: the Mersenne Twister (MT19937, Matsumoto & Nishimura 1998) with NumPy's legacy ways to
/// make doubles and integers of it, draw for draw. MinAtar draws from this; everything else here uses dream::Rng.
/// NumPy takes seeds below 2^32; a larger one is `RandomState([low, high])`. Plain data: its bytes are the stream.
class RandomState {
 public:
  explicit RandomState(std::uint64_t seed = 0) { reseed(seed); }
  void reseed(std::uint64_t seed);

  std::uint32_t next();
  /// [0, 1), 53 bits: NumPy's rand().
  double rand();
  /// [0, n), n >= 1: NumPy's randint(n), which draws until a number fits; nothing is drawn for n = 1.
  int randint(int n);

  /// False for bytes that no stream has.
  bool plausible() const { return at_ < kWords && seeded_ > kMiddle && seeded_ <= kWords; }

 private:
  static constexpr std::uint32_t kWords = 624, kMiddle = 397;
  void seed_to(std::uint32_t end);

  std::array<std::uint32_t, kWords> words_;
  std::uint32_t at_;      // the word to renew next; NumPy renews all at once, which gives the same numbers
  std::uint32_t seeded_;  // so many words have their first value; seeding takes longer than a short episode
};

}  // namespace dream::minatar
