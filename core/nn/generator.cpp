#include "core/nn/generator.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

#include "api/error.h"
#include "core/nn/torch.h"

namespace dream {

at::Generator make_generator(const torch::Device& device, std::uint64_t seed) {
  if (device.is_cpu()) return at::make_generator<at::CPUGeneratorImpl>(seed);
  auto generator = at::globalContext().defaultGenerator(device).clone();
  generator.set_current_seed(seed);
  return generator;
}

Rng drawn_stream(at::Generator generator) {
  const auto options = torch::TensorOptions(torch::kInt64).device(generator.device());
  return Rng(static_cast<std::uint64_t>(torch::randint(std::int64_t{1} << 53, {1}, generator, options).item<std::int64_t>()));
}

void store_generator(Checkpoint& into, const std::string& name, const at::Generator& generator) {
  into.tensors[name] = generator.get_state().clone();
}

void load_generator(const Checkpoint& from, const std::string& name, at::Generator& generator) {
  const auto state = from.get(name, {-1});
  if (state.scalar_type() != torch::kUInt8) throw Error(from.origin + ": '" + name + "' is not a generator's state");
  if (state.numel() == generator.get_state().numel()) {
    try {
      return generator.set_state(state);
    } catch (const c10::Error&) {
      throw Error(from.origin + ": '" + name + "' is not a generator's state");
    }
  }
  constexpr std::int64_t of_cpu = 5056, of_cuda = 16;  // bytes
  if (state.numel() != of_cpu && state.numel() != of_cuda)
    throw Error(from.origin + ": '" + name + "' is not a generator's state");
  // Made on another kind of device: the run goes on, with another chance.
  std::uint64_t seed = 0;
  for (const auto& byte : state.to(torch::kInt64).unbind(0))
    seed = seed * 1099511628211ULL + static_cast<std::uint64_t>(byte.item<std::int64_t>());
  generator.set_current_seed(seed);
}

}  // namespace dream
