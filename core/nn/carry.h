#pragma once
#include <torch/types.h>

#include <map>
#include <string>

#include "core/nn/checkpoint.h"

namespace dream {

/// Everything that a model or a behaviour remembers between two steps: named, batch-first tensors that are never
/// mutated. Copying is O(1), so rewinding, branching and intervening are copies.
using Carry = std::map<std::string, torch::Tensor>;

/// Lane `lane` of every tensor as a batch of one.
Carry select_lane(const Carry& carry, std::int64_t lane);
/// `count` copies of all lanes, one after the other.
Carry repeated(const Carry& carry, std::int64_t count);
/// `carry` where `fresh` [B] (bool) is false, `initial` where it is true; only the tensors that `initial` has.
Carry where_fresh(const torch::Tensor& fresh, const Carry& initial, const Carry& carry);
/// The same where the one lane `lane` is fresh.
Carry begun_anew(std::int64_t lane, const Carry& initial, const Carry& carry);
/// The tensors that `initial` has side by side, bf16 [B, S] on the CPU; and a carry of such rows again, on its device.
torch::Tensor rows_of(const Carry& carry, const Carry& initial);
Carry carry_of(const torch::Tensor& rows, const Carry& initial);

/// The tensors whose names begin with `prefix`, without it; and back. So one carry holds what several remember.
Carry part_of(const Carry& carry, const std::string& prefix);
void put_part(Carry& into, const std::string& prefix, const Carry& part);

/// The tensors that `needed` has, each under `prefix` + its name; and back, checked against the shapes of `like`.
void store_carry(Checkpoint& into, const std::string& prefix, const Carry& carry, const Carry& needed);
/// Throws dream::Error, naming file and tensor, for another shape or a number that is not finite.
torch::Tensor finite_tensor(const Checkpoint& from, const std::string& name, torch::IntArrayRef shape);
Carry load_carry(const Checkpoint& from, const std::string& prefix, const Carry& like);

}  // namespace dream
