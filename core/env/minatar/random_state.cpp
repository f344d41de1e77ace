#include "core/env/minatar/random_state.h"

#include <algorithm>
#include <bit>

namespace dream::minatar {

void RandomState::reseed(std::uint64_t seed) {
  const auto low = static_cast<std::uint32_t>(seed), high = static_cast<std::uint32_t>(seed >> 32);
  at_ = 0;
  seeded_ = 1;
  words_[0] = high == 0 ? low : 19650218;
  seed_to(high == 0 ? kMiddle + 1 : kWords);
  std::fill(words_.begin() + seeded_, words_.end(), 0);
  if (high == 0) return;
  // The authors' init_by_array with the key {low, high}.
  const std::uint32_t key[] = {low, high};
  std::uint32_t i = 1;
  auto mix = [&](std::uint32_t multiplier, std::uint32_t add) {
    const std::uint32_t before = words_[i - 1];
    words_[i] = (words_[i] ^ ((before ^ (before >> 30)) * multiplier)) + add;
    if (++i == kWords) {
      words_[0] = words_[kWords - 1];
      i = 1;
    }
  };
  for (std::uint32_t k = 0; k < kWords; ++k) mix(1664525, key[k % 2] + k % 2);
  for (std::uint32_t k = 1; k < kWords; ++k) mix(1566083941, 0 - i);
  words_[0] = 0x80000000;
}

void RandomState::seed_to(std::uint32_t end) {
  std::uint32_t word = words_[seeded_ - 1];
  for (std::uint32_t i = seeded_; i < end; ++i) words_[i] = word = 1812433253 * (word ^ (word >> 30)) + i;
  seeded_ = std::max(seeded_, end);
}

std::uint32_t RandomState::next() {
  if (seeded_ < kWords) seed_to(std::min(kWords, at_ + kMiddle + 1));
  const std::uint32_t following = at_ + 1 < kWords ? at_ + 1 : 0;
  const std::uint32_t distant = at_ + kMiddle < kWords ? at_ + kMiddle : at_ + kMiddle - kWords;
  const std::uint32_t y = (words_[at_] & 0x80000000) | (words_[following] & 0x7fffffff);
  std::uint32_t word = words_[at_] = words_[distant] ^ (y >> 1) ^ ((0 - (y & 1)) & 0x9908b0df);
  at_ = following;
  word ^= word >> 11;
  word ^= (word << 7) & 0x9d2c5680;
  word ^= (word << 15) & 0xefc60000;
  return word ^ (word >> 18);
}

double RandomState::rand() {
  const double high = next() >> 5, low = next() >> 6;
  return (high * 67108864 + low) / 9007199254740992;
}

int RandomState::randint(int n) {
  if (n == 1) return 0;
  const auto limit = static_cast<std::uint32_t>(n), mask = std::bit_ceil(limit) - 1;
  std::uint32_t value = next() & mask;
  while (value >= limit) value = next() & mask;
  return static_cast<int>(value);
}

}  // namespace dream::minatar
