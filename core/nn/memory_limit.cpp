#include "core/nn/memory_limit.h"

#include <c10/core/CPUAllocator.h>

#include <mutex>

namespace dream {
namespace {

struct Budget {
  bool active = false;
  std::uint64_t each = 0, left = 0;
};
thread_local Budget budget;

/// Torch's own allocator, which a limit can refuse.
class LimitedAllocator final : public c10::Allocator {
 public:
  explicit LimitedAllocator(c10::Allocator* own) : own_(own) {}
  c10::DataPtr allocate(std::size_t bytes) override {
    if (budget.active) {
      if (bytes > budget.each || bytes > budget.left) throw MemoryLimit::Exceeded{bytes};
      budget.left -= bytes;
    }
    return own_->allocate(bytes);
  }
  c10::DeleterFnPtr raw_deleter() const override { return own_->raw_deleter(); }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { own_->copy_data(to, from, bytes); }

 private:
  c10::Allocator* own_;
};

}  // namespace

MemoryLimit::MemoryLimit(std::uint64_t each, std::uint64_t in_all) {
  static std::once_flag installed;
  std::call_once(installed, [] {
    static LimitedAllocator allocator(c10::GetCPUAllocator());
    constexpr std::uint8_t above_torch = 1;
    c10::SetCPUAllocator(&allocator, above_torch);
  });
  budget = {true, each, in_all};
}

MemoryLimit::~MemoryLimit() {
  budget = {};
}

}  // namespace dream
