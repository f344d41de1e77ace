#include "core/data/hdf5_file.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "api/error.h"
#include "core/base/durable_file.h"

namespace dream {
namespace {

// Deflate packs at most 1032 to 1; an array that claims more than its file can hold is damage or malice.
constexpr std::uint64_t max_packing = 1100;
constexpr std::uint64_t slack = 1u << 20;

std::recursive_mutex& hdf5_mutex() {
  static std::recursive_mutex mutex;  // guards the library's global state, see Hdf5Access
  return mutex;
}

/// The innermost reason on HDF5's error stack, or "".
std::string last_reason() {
  std::string reason;
  const auto visit = [](unsigned, const H5E_error2_t* error, void* out) -> herr_t {
    if (error->desc) *static_cast<std::string*>(out) = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, visit, &reason);
  H5Eclear2(H5E_DEFAULT);
  return reason.empty() ? "" : " (" + reason + ")";
}

/// Takes the finished file out of HDF5's memory driver, which gives its block back when all is written.
/// (H5Fget_file_image would leave a wrong checksum in the superblock.) How long the file is stands in the superblock
/// itself, version 2 and later: https://docs.hdfgroup.org, "HDF5 File Format Specification", II.A.
herr_t take_image(void* block, H5FD_file_image_op_t reason, void* into) {
  constexpr std::size_t version_at = 8, end_at = 28;
  auto& image = *static_cast<Hdf5Image*>(into);
  if (reason == H5FD_FILE_IMAGE_OP_FILE_CLOSE && block) {
    const auto* bytes = static_cast<const char*>(block);
    std::uint64_t size = 0;
    if (image.block > end_at + sizeof size) std::memcpy(&size, bytes + end_at, sizeof size);
    if (size <= image.block && bytes[version_at] >= 2) image.file.assign(bytes, size);
  }
  std::free(block);
  return 0;
}

/// What HDF5 leaves unwritten within the file is zero, so that the same episode gives the same file.
void* larger_image(void* block, std::size_t size, H5FD_file_image_op_t, void* of) {
  auto& image = *static_cast<Hdf5Image*>(of);
  auto* grown = static_cast<char*>(std::realloc(block, size));
  if (!grown) return nullptr;
  if (size > image.block) std::memset(grown + image.block, 0, size - image.block);
  image.block = size;
  return grown;
}

/// For a new file in memory, which goes into `image` when it is closed.
Hdf5Id memory_access(Hdf5Image& image) {
  Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  // The newer structures carry checksums, so damage is found before it is parsed.
  H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_LATEST);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  constexpr std::size_t grow_by = 1u << 20;
  H5Pset_fapl_core(access, grow_by, /*backing_store=*/false);
  H5FD_file_image_callbacks_t callbacks = {};
  callbacks.image_malloc = [](std::size_t size, H5FD_file_image_op_t, void*) { return std::calloc(size, 1); };
  callbacks.image_memcpy = [](void* to, const void* from, std::size_t size, H5FD_file_image_op_t, void*) {
    return std::memcpy(to, from, size);
  };
  callbacks.image_realloc = larger_image;
  callbacks.image_free = take_image;
  callbacks.udata_copy = [](void* same) { return same; };
  callbacks.udata_free = [](void*) -> herr_t { return 0; };
  callbacks.udata = &image;
  H5Pset_file_image_callbacks(access, &callbacks);
  return access;
}

}  // namespace

Hdf5Access::Hdf5Access() : lock_(hdf5_mutex()) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Hdf5Id& Hdf5Id::operator=(Hdf5Id&& other) noexcept {
  if (this != &other) {
    reset();
    id_ = std::exchange(other.id_, H5I_INVALID_HID);
    close_ = other.close_;
  }
  return *this;
}

void Hdf5Id::reset() {
  if (id_ >= 0 && close_) close_(id_);
  id_ = H5I_INVALID_HID;
}

Hdf5Id hdf5_bool_type() {
  Hdf5Id type(H5Tenum_create(H5T_NATIVE_INT8), H5Tclose);
  const std::int8_t no = 0, yes = 1;
  H5Tenum_insert(type, "FALSE", &no);
  H5Tenum_insert(type, "TRUE", &yes);
  return type;
}

// -- reading -----------------------------------------------------------------------------------------------------

Hdf5Reader::Hdf5Reader(const std::filesystem::path& path) : path_(path), size_(regular_file_size(path)) {
  Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  file_ = Hdf5Id(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), H5Fclose);
  if (!file_.valid()) {
    throw Error("'" + path.string() +
                "' cannot be opened as an HDF5 file: it is truncated, damaged or of another format" + last_reason() +
                ".");
  }
}

void Hdf5Reader::fail(const std::string& object, const std::string& found) const {
  throw Error("'" + path_.string() + "', '" + object + "': " + found + ".");
}

Hdf5Reader::Link Hdf5Reader::link(const std::string& name) const {
  if (H5Lexists(file_, name.c_str(), H5P_DEFAULT) <= 0) return Link::none;
  H5L_info_t info;
  if (H5Lget_info(file_, name.c_str(), &info, H5P_DEFAULT) < 0) return Link::other;
  if (info.type == H5L_TYPE_HARD) return Link::hard;
  return info.type == H5L_TYPE_EXTERNAL ? Link::external : Link::other;
}

std::pair<std::string, std::string> Hdf5Reader::external_target(const std::string& name) const {
  H5L_info_t info;
  if (H5Lget_info(file_, name.c_str(), &info, H5P_DEFAULT) < 0 || info.u.val_size > 4096) fail(name, "a damaged link");
  std::vector<char> value(info.u.val_size + 1, '\0');
  const char *file = nullptr, *object = nullptr;
  if (H5Lget_val(file_, name.c_str(), value.data(), info.u.val_size, H5P_DEFAULT) < 0 ||
      H5Lunpack_elink_val(value.data(), info.u.val_size, nullptr, &file, &object) < 0) {
    fail(name, "a damaged link");
  }
  return {file, object};
}

std::uint64_t Hdf5Reader::Array::count() const {
  std::uint64_t product = 1;
  for (const std::uint64_t extent : shape) product *= extent;
  return product;
}

Hdf5Id Hdf5Reader::group(const std::string& name) const {
  return child_group(file_, name, "");
}

bool Hdf5Reader::has(hid_t parent, const std::string& name) const {
  return H5Lexists(parent, name.c_str(), H5P_DEFAULT) > 0;
}

bool Hdf5Reader::is_group(hid_t parent, const std::string& name, const std::string& parent_name) const {
  const std::string full = parent_name.empty() ? name : parent_name + "/" + name;
  if (!has(parent, name)) fail(full, "it is missing");
  H5L_info_t link_info;
  if (H5Lget_info(parent, name.c_str(), &link_info, H5P_DEFAULT) < 0 || link_info.type != H5L_TYPE_HARD) {
    fail(full, "a link that leads elsewhere; the data themselves were expected");
  }
  H5O_info_t info;
  if (H5Oget_info_by_name(parent, name.c_str(), &info, H5P_DEFAULT) < 0) fail(full, "it is damaged" + last_reason());
  return info.type == H5O_TYPE_GROUP;
}

std::vector<std::string> Hdf5Reader::child_names(hid_t parent, const std::string& name, std::size_t most) const {
  H5G_info_t info;
  if (H5Gget_info(parent, &info) < 0) fail(name, "the group is damaged" + last_reason());
  if (info.nlinks > most) fail(name, "it has more than " + std::to_string(most) + " entries");
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    char text[256];
    const auto size =
        H5Lget_name_by_idx(parent, ".", H5_INDEX_NAME, H5_ITER_INC, i, text, sizeof text, H5P_DEFAULT);
    if (size <= 0 || static_cast<std::size_t>(size) >= sizeof text) fail(name, "the name of an entry is unusable");
    names.emplace_back(text);
  }
  return names;
}

std::vector<std::uint64_t> Hdf5Reader::numbered(const std::string& prefix) const {
  struct Found {
    std::string prefix;
    std::vector<std::uint64_t> numbers;
  } found{prefix, {}};
  const auto each = [](hid_t, const char* text, const H5L_info_t*, void* into) -> herr_t {
    auto& [before, numbers] = *static_cast<Found*>(into);
    const std::string_view name(text);
    std::uint64_t number = 0;
    if (name.starts_with(before) && std::from_chars(text + before.size(), text + name.size(), number).ec == std::errc{} &&
        before + std::to_string(number) == name)
      numbers.push_back(number);
    return 0;
  };
  if (H5Literate(file_, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, each, &found) < 0) fail("/", "the list of what is in it is damaged" + last_reason());
  std::ranges::sort(found.numbers);
  return found.numbers;
}

Hdf5Id Hdf5Reader::child_group(hid_t parent, const std::string& name, const std::string& parent_name) const {
  const std::string full = parent_name.empty() ? name : parent_name + "/" + name;
  if (!is_group(parent, name, parent_name)) fail(full, "a group was expected");
  Hdf5Id group(H5Gopen2(parent, name.c_str(), H5P_DEFAULT), H5Gclose);
  if (!group.valid()) fail(full, "the group is damaged" + last_reason());
  return group;
}

Hdf5Reader::Array Hdf5Reader::child_array(hid_t parent, const std::string& name, const std::string& parent_name) const {
  Array array;
  array.name = parent_name.empty() ? name : parent_name + "/" + name;
  if (is_group(parent, name, parent_name)) fail(array.name, "an array was expected, and it is a group");
  array.id = Hdf5Id(H5Dopen2(parent, name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!array.id.valid()) fail(array.name, "an array was expected; it is damaged or of another kind" + last_reason());
  array.type = Hdf5Id(H5Dget_type(array.id), H5Tclose);
  array.type_class = H5Tget_class(array.type);
  array.type_size = H5Tget_size(array.type);

  const Hdf5Id space(H5Dget_space(array.id), H5Sclose);
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || array.type_size == 0) fail(array.name, "its shape or type is damaged" + last_reason());
  std::vector<hsize_t> shape(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space, shape.data(), nullptr);
  array.shape.assign(shape.begin(), shape.end());

  const Hdf5Id plan(H5Dget_create_plist(array.id), H5Pclose);
  if (H5Pget_external_count(plan) != 0 || H5Pget_layout(plan) == H5D_VIRTUAL) {
    fail(array.name, "its data lie in other files; the data themselves were expected");
  }
  const int filters = H5Pget_nfilters(plan);
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0, config = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(plan, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &config);
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32) {
      fail(array.name, "it is packed by the HDF5 filter number " + std::to_string(filter) +
                           ", which this program does not read; gzip was expected");
    }
  }

  const std::uint64_t most = size_ > std::numeric_limits<std::uint64_t>::max() / max_packing - slack
                                 ? std::numeric_limits<std::uint64_t>::max()
                                 : size_ * max_packing + slack;
  std::uint64_t room = most / array.type_size;
  for (const std::uint64_t extent : array.shape) {
    if (extent > room) fail(array.name, "its shape claims more data than the file can hold");
    if (extent > 0) room /= extent;
  }
  return array;
}

std::uint64_t Hdf5Reader::attribute(hid_t object, const std::string& name, std::uint64_t fallback) const {
  if (H5Aexists(object, name.c_str()) <= 0) return fallback;
  const Hdf5Id attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
  if (!attribute.valid()) fail(name, "the attribute is damaged" + last_reason());
  const Hdf5Id type(H5Aget_type(attribute), H5Tclose);
  const Hdf5Id space(H5Aget_space(attribute), H5Sclose);
  if (H5Sget_simple_extent_npoints(space) == 0) return fallback;  // h5py's way to write None
  if (H5Tget_class(type) != H5T_INTEGER || H5Sget_simple_extent_npoints(space) != 1) {
    fail(name, "the attribute must be one whole number");
  }
  std::uint64_t value = 0;
  if (H5Aread(attribute, H5T_NATIVE_UINT64, &value) < 0) fail(name, "the attribute is damaged" + last_reason());
  return value;
}

std::vector<float> Hdf5Reader::read_floats(const Array& array) const {
  if (array.type_class == H5T_ENUM) {  // h5py's truth values
    const auto flags = read_flags(array);
    return {flags.begin(), flags.end()};
  }
  if (array.type_class != H5T_FLOAT && array.type_class != H5T_INTEGER) fail(array.name, "numbers were expected");
  std::vector<float> values(array.count());
  if (values.empty()) return values;
  if (H5Dread(array.id, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    fail(array.name, "its data are damaged" + last_reason());
  }
  return values;
}

std::vector<std::uint8_t> Hdf5Reader::read_flags(const Array& array) const {
  std::vector<std::uint8_t> values(array.count());
  if (array.type_class == H5T_FLOAT || (array.type_class == H5T_INTEGER && array.type_size > 1)) {
    const auto numbers = read_floats(array);
    std::ranges::transform(numbers, values.begin(), [](float v) { return v == 0 ? 0 : v == 1 ? 1 : 2; });
  } else if (array.type_size != 1 || (array.type_class != H5T_ENUM && array.type_class != H5T_INTEGER)) {
    fail(array.name, "truth values (0 or 1 each) were expected");
  } else if (!values.empty() &&
             // The file's own type: one byte has no byte order, so no conversion is needed.
             H5Dread(array.id, array.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    fail(array.name, "its data are damaged" + last_reason());
  }
  if (std::any_of(values.begin(), values.end(), [](std::uint8_t v) { return v > 1; })) {
    fail(array.name, "a truth value that is neither 0 nor 1");
  }
  return values;
}

bool Hdf5Reader::is_bytes(const Array& array) const {
  return array.type_class == H5T_INTEGER && array.type_size == 1 && H5Tget_sign(array.type) == H5T_SGN_NONE;
}

bool Hdf5Reader::is_byte_sequences(const Array& array) const {
  if (array.type_class != H5T_VLEN || array.shape.size() != 1) return false;
  const Hdf5Id base(H5Tget_super(array.type), H5Tclose);
  return H5Tget_class(base) == H5T_INTEGER && H5Tget_size(base) == 1;
}

void Hdf5Reader::read_bytes(const Array& array, std::uint64_t first, std::uint64_t count, std::uint8_t* out) const {
  std::vector<hsize_t> start(array.shape.size(), 0), extent(array.shape.begin(), array.shape.end());
  start[0] = first;
  extent[0] = count;
  const Hdf5Id space(H5Dget_space(array.id), H5Sclose);
  const Hdf5Id memory(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose);
  if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr) < 0 ||
      H5Dread(array.id, H5T_NATIVE_UINT8, memory, space, H5P_DEFAULT, out) < 0) {
    fail(array.name, "its data are damaged" + last_reason());
  }
}

std::vector<std::vector<std::uint8_t>> Hdf5Reader::read_sequences(const Array& array) const {
  std::vector<std::vector<std::uint8_t>> out(array.count());
  const Hdf5Id type(H5Tvlen_create(H5T_NATIVE_UINT8), H5Tclose);
  const Hdf5Id space(H5Dget_space(array.id), H5Sclose);
  hsize_t total = 0;
  if (H5Dvlen_get_buf_size(array.id, type, space, &total) < 0 || total > size_ * max_packing + slack) {
    fail(array.name, "its data are damaged" + last_reason());
  }
  std::vector<hvl_t> raw(out.size());
  if (!raw.empty() && H5Dread(array.id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw.data()) < 0) {
    fail(array.name, "its data are damaged" + last_reason());
  }
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const auto* bytes = static_cast<const std::uint8_t*>(raw[i].p);
    out[i].assign(bytes, bytes + raw[i].len);
  }
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, raw.data());
  return out;
}

// -- writing -----------------------------------------------------------------------------------------------------

Hdf5Writer::Hdf5Writer(const std::filesystem::path& path) : path_(path), image_(std::make_unique<Hdf5Image>()) {
  file_ = Hdf5Id(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, memory_access(*image_)), H5Fclose);
  check(file_.valid(), "create the file");
}

void Hdf5Writer::fail(const std::string& what) const {
  throw Error("Cannot write '" + path_.string() + "': HDF5 could not " + what + last_reason() + ".");
}

std::string Hdf5Writer::finish() {
  check(H5Fflush(file_, H5F_SCOPE_GLOBAL) >= 0, "finish the file");
  file_ = Hdf5Id();
  check(!image_->file.empty(), "finish the file");
  return std::move(image_->file);
}

Hdf5Id Hdf5Writer::create_group(hid_t parent, const std::string& name) {
  Hdf5Id group(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
  check(group.valid(), "create the group '" + name + "'");
  return group;
}

void Hdf5Writer::write_array(hid_t parent, const std::string& name, const std::vector<hsize_t>& shape,
                             hid_t memory_type, hid_t file_type, const void* data, hsize_t chunk_rows) {
  const Hdf5Id space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose);
  const Hdf5Id plan(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  std::vector<hsize_t> chunk = shape;
  if (chunk_rows > 0) chunk[0] = std::min(chunk[0], chunk_rows);
  H5Pset_chunk(plan, static_cast<int>(chunk.size()), chunk.data());
  if (H5Tget_size(file_type) > 1) H5Pset_shuffle(plan);  // bytes have nothing to shuffle
  H5Pset_deflate(plan, 1);                               // its Adler-32 also finds damage
  const Hdf5Id array(H5Dcreate2(parent, name.c_str(), file_type, space, H5P_DEFAULT, plan, H5P_DEFAULT), H5Dclose);
  check(array.valid(), "create the array '" + name + "'");
  check(H5Dwrite(array, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0, "write the array '" + name + "'");
}

void Hdf5Writer::write_attribute(hid_t object, const std::string& name, std::int64_t value) {
  const Hdf5Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Hdf5Id attribute(H5Acreate2(object, name.c_str(), H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  check(attribute.valid() && H5Awrite(attribute, H5T_NATIVE_INT64, &value) >= 0, "write the attribute '" + name + "'");
}

void Hdf5Writer::write_attribute(hid_t object, const std::string& name, std::uint64_t value) {
  const Hdf5Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Hdf5Id attribute(H5Acreate2(object, name.c_str(), H5T_STD_U64LE, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  check(attribute.valid() && H5Awrite(attribute, H5T_NATIVE_UINT64, &value) >= 0, "write the attribute '" + name + "'");
}

void Hdf5Writer::write_attribute(hid_t object, const std::string& name, const std::string& text) {
  const Hdf5Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Hdf5Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, std::max<std::size_t>(text.size(), 1));
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  const std::string value = text.empty() ? std::string(1, '\0') : text;
  const Hdf5Id attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  check(attribute.valid() && H5Awrite(attribute, type, value.data()) >= 0, "write the attribute '" + name + "'");
}

void Hdf5Writer::link_external(const std::string& name, const std::string& file, const std::string& object) {
  check(H5Lcreate_external(file.c_str(), object.c_str(), file_, name.c_str(), H5P_DEFAULT, H5P_DEFAULT) >= 0,
        "write the link '" + name + "'");
}

}  // namespace dream
