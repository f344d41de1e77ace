#pragma once
#include <torch/types.h>

#include <string>

#include "api/error.h"

namespace dream {

/// Throws dream::Error unless `tensor` has this shape; -1 stands for any size.
inline void check_shape(const torch::Tensor& tensor, at::IntArrayRef expected, const char* name) {
  bool equal = tensor.defined() && tensor.dim() == static_cast<std::int64_t>(expected.size());
  for (std::size_t i = 0; equal && i < expected.size(); ++i) {
    equal = expected[i] < 0 || tensor.size(static_cast<std::int64_t>(i)) == expected[i];
  }
  if (equal) return;
  std::string found = "[", wanted = "[";
  if (tensor.defined()) {
    for (const auto size : tensor.sizes()) found += std::to_string(size) + " ";
  }
  for (const auto size : expected) wanted += (size < 0 ? "any" : std::to_string(size)) + " ";
  throw Error(std::string(name) + " has shape " + found + "], expected " + wanted + "]");
}

}  // namespace dream
