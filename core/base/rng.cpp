#include "core/base/rng.h"

#include <cmath>
#include <vector>

#include "api/error.h"
#include "core/base/fnv.h"

namespace dream {
namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr Wide wide(std::uint64_t high, std::uint64_t low) {
  return (static_cast<Wide>(high) << 64) | low;
}

// O'Neill's 128-bit multiplier.
constexpr Wide kMultiplier = wide(2549297995355413924ULL, 4865540595714422341ULL);

}  // namespace

std::array<std::uint32_t, 8> seed_sequence_words(std::span<const std::uint32_t> entropy) {
  constexpr std::uint32_t init_a = 0x43b0d7e5, mult_a = 0x931e8875, init_b = 0x8b51f9dd, mult_b = 0x58f38ded;
  constexpr std::uint32_t mix_left = 0xca01f9dd, mix_right = 0x4973f715;

  std::uint32_t hash = init_a;
  auto hashed = [&hash](std::uint32_t value) {
    value ^= hash;
    hash *= mult_a;
    value *= hash;
    return value ^ (value >> 16);
  };
  auto mixed = [](std::uint32_t x, std::uint32_t y) {
    const std::uint32_t result = mix_left * x - mix_right * y;
    return result ^ (result >> 16);
  };

  std::array<std::uint32_t, 4> pool{};
  for (std::size_t i = 0; i < pool.size(); ++i) pool[i] = hashed(i < entropy.size() ? entropy[i] : 0);
  for (std::size_t from = 0; from < pool.size(); ++from) {
    for (std::size_t to = 0; to < pool.size(); ++to) {
      if (from != to) pool[to] = mixed(pool[to], hashed(pool[from]));
    }
  }
  for (std::size_t from = pool.size(); from < entropy.size(); ++from) {
    for (auto& word : pool) word = mixed(word, hashed(entropy[from]));
  }

  std::array<std::uint32_t, 8> words{};
  hash = init_b;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::uint32_t value = pool[i % pool.size()] ^ hash;
    hash *= mult_b;
    value *= hash;
    words[i] = value ^ (value >> 16);
  }
  return words;
}

Rng::Rng(std::uint64_t seed) : Rng(seed, 0) {}

Rng::Rng(std::uint64_t seed, std::uint64_t key) {
  const auto low = static_cast<std::uint32_t>(seed), high = static_cast<std::uint32_t>(seed >> 32);
  std::array<std::uint32_t, 6> entropy{low, high, 0, 0, 0, 0};
  std::size_t count = high != 0 ? 2 : 1;
  if (key != 0) {
    // A spawned child: NumPy pads the seed to the pool's four words, then appends the key.
    entropy[4] = static_cast<std::uint32_t>(key);
    entropy[5] = static_cast<std::uint32_t>(key >> 32);
    count = entropy[5] != 0 ? 6 : 5;
  }
  const auto words = seed_sequence_words({entropy.data(), count});
  auto pair = [&words](int i) { return words[i] | (static_cast<std::uint64_t>(words[i + 1]) << 32); };
  const Wide start = wide(pair(0), pair(2));
  const Wide increment = (wide(pair(4), pair(6)) << 1) | 1;
  const Wide state = (increment + start) * kMultiplier + increment;
  state_ = {.state_high = static_cast<std::uint64_t>(state >> 64),
            .state_low = static_cast<std::uint64_t>(state),
            .increment_high = static_cast<std::uint64_t>(increment >> 64),
            .increment_low = static_cast<std::uint64_t>(increment),
            .seed = seed,
            .key = key};
}

Rng Rng::fork(std::string_view name) const {
  return fork(fnv1a(std::as_bytes(std::span(name))));  // names of streams become words
}

Rng Rng::fork(std::uint64_t key) const {
  // A fork of a fork mixes both keys; odd multiplication keeps distinct keys distinct. 0 means "no key".
  std::uint64_t mixed = state_.key * 0x9e3779b97f4a7c15ULL + key;
  mixed = (mixed ^ (mixed >> 31)) * 0xbf58476d1ce4e5b9ULL + 1;
  return Rng(state_.seed, mixed != 0 ? mixed : 1);
}

std::uint64_t Rng::next64() {
  const Wide state =
      wide(state_.state_high, state_.state_low) * kMultiplier + wide(state_.increment_high, state_.increment_low);
  state_.state_high = static_cast<std::uint64_t>(state >> 64);
  state_.state_low = static_cast<std::uint64_t>(state);
  const std::uint64_t folded = state_.state_high ^ state_.state_low;
  const unsigned rotation = static_cast<unsigned>(state_.state_high >> 58);
  return (folded >> rotation) | (folded << ((64 - rotation) & 63));
}

std::uint32_t Rng::next32() {
  if (state_.has_half != 0) {
    state_.has_half = 0;
    return state_.half;
  }
  const std::uint64_t both = next64();
  state_.has_half = 1;
  state_.half = static_cast<std::uint32_t>(both >> 32);
  return static_cast<std::uint32_t>(both);
}

double Rng::random() {
  return static_cast<double>(next64() >> 11) * (1.0 / 9007199254740992.0);
}

double Rng::uniform(double low, double high) {
  return low + (high - low) * random();
}

std::uint64_t Rng::integers(std::uint64_t n) {
  if (n == 0) throw Error("Rng::integers(n): n is 0, expected at least 1.");
  const std::uint64_t last = n - 1;
  if (last == 0) return 0;
  if (last < 0xffffffffULL) {
    const auto count = static_cast<std::uint32_t>(n);
    std::uint64_t product = static_cast<std::uint64_t>(next32()) * count;
    if (static_cast<std::uint32_t>(product) < count) {
      const std::uint32_t threshold = (0xffffffffU - static_cast<std::uint32_t>(last)) % count;
      while (static_cast<std::uint32_t>(product) < threshold) product = static_cast<std::uint64_t>(next32()) * count;
    }
    return product >> 32;
  }
  if (last == 0xffffffffULL) return next32();
  Wide product = static_cast<Wide>(next64()) * n;
  if (static_cast<std::uint64_t>(product) < n) {
    const std::uint64_t threshold = (~std::uint64_t{0} - last) % n;
    while (static_cast<std::uint64_t>(product) < threshold) product = static_cast<Wide>(next64()) * n;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double Rng::normal() {
  // The second value of each pair is dropped, so that the state stays the generator's own words.
  for (;;) {
    const double x = uniform(-1, 1), y = uniform(-1, 1);
    const double r2 = x * x + y * y;
    if (r2 < 1 && r2 > 0) return x * std::sqrt(-2 * std::log(r2) / r2);
  }
}

std::size_t Rng::categorical(std::span<const float> weights) {
  double total = 0;
  for (const float w : weights) {
    if (!(w >= 0) || !std::isfinite(w)) throw Error("Rng::categorical: a weight is negative or not finite.");
    total += w;
  }
  if (!(total > 0)) throw Error("Rng::categorical: the weights sum to 0, expected at least one above 0.");
  double left = random() * total;
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    last = i;
    left -= weights[i];
    if (left < 0) return i;
  }
  return last;
}

}  // namespace dream
