#pragma once
#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace dream {

/// The right to call HDF5. The library keeps global state and distributions build it without threads in mind, so one
/// call at a time; its own printing of errors is switched off, because every failure becomes a dream::Error.
class Hdf5Access {
 public:
  Hdf5Access();

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

/// An HDF5 identifier that closes itself.
class Hdf5Id {
 public:
  using Close = herr_t (*)(hid_t);
  Hdf5Id() = default;
  Hdf5Id(hid_t id, Close close) : id_(id), close_(close) {}
  Hdf5Id(Hdf5Id&& other) noexcept : id_(other.id_), close_(other.close_) { other.id_ = H5I_INVALID_HID; }
  Hdf5Id& operator=(Hdf5Id&& other) noexcept;
  ~Hdf5Id() { reset(); }
  operator hid_t() const { return id_; }
  bool valid() const { return id_ >= 0; }

 private:
  void reset();
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

/// One HDF5 file that is being read, with nothing taken on trust: links are followed only inside the file, data come
/// only from the file, and every size is checked against it before memory is taken. All calls need an Hdf5Access to be
/// held and throw dream::Error naming file and object.
class Hdf5Reader {
 public:
  explicit Hdf5Reader(const std::filesystem::path& path);

  enum class Link { none, hard, external, other };
  Link link(const std::string& name) const;
  /// The numbers N of what is called `prefix`N at the top, in their order, whatever it is.
  std::vector<std::uint64_t> numbered(const std::string& prefix) const;
  /// Where the external link `name` of the root group points to: file, object.
  std::pair<std::string, std::string> external_target(const std::string& name) const;

  struct Array {
    Hdf5Id id, type;
    H5T_class_t type_class = H5T_NO_CLASS;
    std::size_t type_size = 0;
    std::vector<std::uint64_t> shape;
    std::string name;  // "episode_3/observations"
    std::uint64_t count() const;
  };

  Hdf5Id group(const std::string& name) const;
  /// `parent_name` is used in messages alone.
  bool has(hid_t parent, const std::string& name) const;
  bool is_group(hid_t parent, const std::string& name, const std::string& parent_name) const;
  /// The names in a group, sorted; at most `most`.
  std::vector<std::string> child_names(hid_t parent, const std::string& name, std::size_t most) const;
  Hdf5Id child_group(hid_t parent, const std::string& name, const std::string& parent_name) const;
  Array child_array(hid_t parent, const std::string& name, const std::string& parent_name) const;

  /// An integer attribute of one element, or `fallback` when there is none.
  std::uint64_t attribute(hid_t object, const std::string& name, std::uint64_t fallback) const;

  /// The whole array, converted to float32.
  std::vector<float> read_floats(const Array& array) const;
  /// The whole array of truth values: one byte each, 0 or 1.
  std::vector<std::uint8_t> read_flags(const Array& array) const;
  /// Rows [first, first + count) of an array of unsigned bytes, `row` bytes each.
  void read_bytes(const Array& array, std::uint64_t first, std::uint64_t count, std::uint8_t* out) const;
  bool is_bytes(const Array& array) const;           // unsigned, 8 bits
  bool is_byte_sequences(const Array& array) const;  // [T] of sequences of unsigned bytes
  std::vector<std::vector<std::uint8_t>> read_sequences(const Array& array) const;

  [[noreturn]] void fail(const std::string& object, const std::string& found) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  Hdf5Id file_;
};

/// A file in HDF5's memory: the block that holds it while it is made, and the finished file.
struct Hdf5Image {
  std::size_t block = 0;  // bytes
  std::string file;
};

/// Makes one HDF5 file with checksummed structures in memory: what fails on the disk is then told in our words, and no
/// other thread waits for the disk. Needs an Hdf5Access, throws dream::Error.
class Hdf5Writer {
 public:
  explicit Hdf5Writer(const std::filesystem::path& path);  // where it will lie; for messages alone
  std::string finish();                                    // the whole file, for write_file; the last call

  hid_t root() const { return file_; }
  Hdf5Id create_group(hid_t parent, const std::string& name);
  /// `data` holds the product of `shape` elements of `memory_type`; the array lies in the file as `file_type`,
  /// compressed in chunks of `chunk_rows` rows (0 = one chunk).
  void write_array(hid_t parent, const std::string& name, const std::vector<hsize_t>& shape, hid_t memory_type,
                   hid_t file_type, const void* data, hsize_t chunk_rows = 0);
  void write_attribute(hid_t object, const std::string& name, std::int64_t value);
  void write_attribute(hid_t object, const std::string& name, std::uint64_t value);
  void write_attribute(hid_t object, const std::string& name, const std::string& text);
  void link_external(const std::string& name, const std::string& file, const std::string& object);

 private:
  [[noreturn]] void fail(const std::string& what) const;
  void check(bool good, const std::string& what) const {
    if (!good) fail(what);
  }
  std::filesystem::path path_;
  std::unique_ptr<Hdf5Image> image_;
  Hdf5Id file_;
};

/// h5py's type of truth values: an enumeration FALSE = 0, TRUE = 1 of 8 bits.
Hdf5Id hdf5_bool_type();

}  // namespace dream
