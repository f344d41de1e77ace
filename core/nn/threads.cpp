#include "core/nn/threads.h"

#include <ATen/TensorIterator.h>

#include "core/nn/torch.h"

namespace dream {

void on_threads(std::int64_t count, std::int64_t grain,
                const std::function<void(std::int64_t first, std::int64_t last)>& work) {
  if (count == 0) return;
  // An iteration over the numbers themselves, which Torch divides among its threads.
  const auto numbers = torch::arange(count, torch::kInt64);
  auto all = at::TensorIteratorConfig()
                 .check_all_same_dtype(false)
                 .add_owned_output(torch::empty({count}, torch::kInt8))
                 .add_owned_input(numbers)
                 .build();
  all.for_each(
      [&](char** data, const std::int64_t* strides, std::int64_t size, std::int64_t rows) {
        for (std::int64_t row = 0; row < rows; ++row) {  // one, as the numbers are in a line
          const auto first = *reinterpret_cast<const std::int64_t*>(data[1] + row * strides[3]);
          work(first, first + size);
        }
      },
      grain);
}

}  // namespace dream
