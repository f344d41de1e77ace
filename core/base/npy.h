#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dream {

/// The element types that we read and write: float32, float64, int32, int64, uint8, bool. float16, int8, int16, uint16 and
/// uint32 are read as float32, int32 and int64.
enum class NpyType { f4, f8, i4, i8, u1, b1 };

std::size_t npy_item_size(NpyType type);
/// NumPy's descriptor: "<f4", "|u1" …
std::string_view npy_descriptor(NpyType type);

template <class T>
constexpr NpyType npy_type_of();
template <>
constexpr NpyType npy_type_of<float>() {
  return NpyType::f4;
}
template <>
constexpr NpyType npy_type_of<double>() {
  return NpyType::f8;
}
template <>
constexpr NpyType npy_type_of<std::int32_t>() {
  return NpyType::i4;
}
template <>
constexpr NpyType npy_type_of<std::int64_t>() {
  return NpyType::i8;
}
template <>
constexpr NpyType npy_type_of<std::uint8_t>() {
  return NpyType::u1;
}

/// A dense array, row-major, little-endian.
struct NpyArray {
  NpyType type = NpyType::f4;
  std::vector<std::size_t> shape;  // empty: a scalar
  std::vector<std::byte> bytes;    // product(shape) x item size

  template <class T>
  static NpyArray of(std::vector<std::size_t> shape, std::span<const T> values);

  std::size_t count() const;
  /// The elements as they are; throws dream::Error naming `what` when the type is another.
  template <class T>
  std::span<const T> view(std::string_view what) const {
    require_type(npy_type_of<T>(), what);
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
  /// Every element converted; for inputs whose exact type does not matter.
  std::vector<float> to_floats() const;

  void require_type(NpyType expected, std::string_view what) const;
};

template <class T>
NpyArray NpyArray::of(std::vector<std::size_t> shape, std::span<const T> values) {
  const auto raw = std::as_bytes(values);
  return {npy_type_of<T>(), std::move(shape), {raw.begin(), raw.end()}};
}

/// Named arrays, in the file's order.
struct Npz {
  std::vector<std::pair<std::string, NpyArray>> arrays;
  /// Throws dream::Error that names the file and lists what it holds.
  const NpyArray& at(std::string_view name) const;
  std::string file;
};

/// NumPy's .npy, versions 1 to 3. Throws dream::Error naming the file and the field when it is missing, cut short,
/// foreign, of a type that we do not read, in Fortran order or big-endian.
NpyArray read_npy(const std::filesystem::path& path);
void write_npy(const std::filesystem::path& path, const NpyArray& array);

/// NumPy's .npz: a zip of .npy files, stored or deflated, below 4 GB. Checksums are verified. Written stored.
Npz read_npz(const std::filesystem::path& path);
/// The arrays of these names alone; the others are not unpacked.
Npz read_npz(const std::filesystem::path& path, const std::function<bool(std::string_view)>& wanted);
void write_npz(const std::filesystem::path& path, const Npz& npz);

}  // namespace dream
