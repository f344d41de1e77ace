#include "core/base/npy.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/base/npz_parts.h"

namespace dream {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are written as they lie in memory");

using Bytes = std::span<const std::byte>;

struct TypeName {
  NpyType type;
  std::string_view descriptor;
  std::size_t size;
};
constexpr TypeName kTypes[] = {{NpyType::f4, "<f4", 4}, {NpyType::f8, "<f8", 8}, {NpyType::i4, "<i4", 4},
                               {NpyType::i8, "<i8", 8}, {NpyType::u1, "|u1", 1}, {NpyType::b1, "|b1", 1}};

const TypeName& type_name(NpyType type) {
  return *std::ranges::find_if(kTypes, [type](const TypeName& t) { return t.type == type; });
}

// Little-endian integers of the zip and npy headers; the caller has checked the length.
template <class T>
T number(Bytes bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

template <std::integral T>
void append(std::vector<std::byte>& out, T value) {
  const auto* raw = reinterpret_cast<const std::byte*>(&value);
  out.insert(out.end(), raw, raw + sizeof(T));
}

void append(std::vector<std::byte>& out, std::string_view text) {
  const auto* raw = reinterpret_cast<const std::byte*>(text.data());
  out.insert(out.end(), raw, raw + text.size());
}

std::vector<std::byte> read_whole(const std::filesystem::path& path) {
  const std::uint64_t size = regular_file_size(path);
  if (size > 0xffffffffULL) throw Error(fmt::format("{}: larger than 4 GB, which is not supported.", path.string()));
  std::vector<std::byte> bytes(size);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!file || file.gcount() != static_cast<std::streamsize>(size)) {
    throw Error(fmt::format("{}: cannot be read to its end.", path.string()));
  }
  return bytes;
}

constexpr std::string_view kNpyMagic = "\x93NUMPY";

// The value of a key in the header's Python dictionary: the text after "'key':".
std::optional<std::string_view> field(std::string_view header, std::string_view key) {
  const std::size_t at = header.find(fmt::format("'{}':", key));
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = header.substr(at + key.size() + 3);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  return rest;
}

/// IEEE 754 binary16.
float half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const float sign = bits >> 15 ? -1.0f : 1.0f;
  if (exponent == 31) return fraction ? std::numeric_limits<float>::quiet_NaN() : sign * std::numeric_limits<float>::infinity();
  return sign * (exponent ? std::ldexp(1.0f + static_cast<float>(fraction) / 1024, exponent - 15) : std::ldexp(static_cast<float>(fraction), -24));
}

/// Types that are read as wider ones.
struct Narrow {
  std::string_view descriptor;
  std::size_t size;
  NpyType wide;
  void (*widen)(Bytes from, std::size_t at, std::vector<std::byte>& out);
};
template <class From, class To>
void widened(Bytes from, std::size_t at, std::vector<std::byte>& out) {
  append(out, static_cast<To>(number<From>(from, at)));
}
constexpr Narrow kNarrow[] = {
    {"<f2", 2, NpyType::f4,
     [](Bytes from, std::size_t at, std::vector<std::byte>& out) { append(out, std::bit_cast<std::uint32_t>(half(number<std::uint16_t>(from, at)))); }},
    {"|i1", 1, NpyType::i4, widened<std::int8_t, std::int32_t>},
    {"<i2", 2, NpyType::i4, widened<std::int16_t, std::int32_t>},
    {"<u2", 2, NpyType::i4, widened<std::uint16_t, std::int32_t>},
    {"<u4", 4, NpyType::i8, widened<std::uint32_t, std::int64_t>}};

std::vector<std::size_t> parse_shape(std::string_view text, const std::string& where) {
  const auto foreign = [&] { return Error(fmt::format("{}: field 'shape' cannot be read.", where)); };
  if (text.empty() || text.front() != '(') throw foreign();
  text.remove_prefix(1);
  std::vector<std::size_t> shape;
  for (;;) {
    while (!text.empty() && (text.front() == ' ' || text.front() == ',')) text.remove_prefix(1);
    if (text.empty()) throw foreign();
    if (text.front() == ')') return shape;
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || shape.size() >= 32) throw foreign();
    text.remove_prefix(end - text.data());
    shape.push_back(value);
  }
}

NpyArray parse_npy(Bytes bytes, const std::string& where) {
  if (bytes.size() < 10 || std::memcmp(bytes.data(), kNpyMagic.data(), kNpyMagic.size()) != 0) {
    throw Error(fmt::format("{}: not a NumPy array (it does not begin with \\x93NUMPY).", where));
  }
  const auto version = static_cast<int>(bytes[6]);
  if (version < 1 || version > 3) {
    throw Error(fmt::format("{}: NumPy format version {}, expected 1 to 3.", where, version));
  }
  const std::size_t start = version == 1 ? 10 : 12;
  if (bytes.size() < start) throw Error(fmt::format("{}: the header is cut short.", where));
  const std::size_t length = version == 1 ? number<std::uint16_t>(bytes, 8) : number<std::uint32_t>(bytes, 8);
  if (bytes.size() - start < length) throw Error(fmt::format("{}: the header is cut short.", where));
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + start, length);

  const auto descriptor = field(header, "descr"), order = field(header, "fortran_order"),
             shape = field(header, "shape");
  if (!descriptor || !order || !shape) {
    throw Error(fmt::format("{}: the header lacks 'descr', 'fortran_order' or 'shape'.", where));
  }
  NpyArray array;
  const auto narrow = std::ranges::find_if(
      kNarrow, [&](const Narrow& n) { return descriptor->starts_with(fmt::format("'{}'", n.descriptor)); });
  const auto known = std::ranges::find_if(
      kTypes, [&](const TypeName& t) { return descriptor->starts_with(fmt::format("'{}'", t.descriptor)); });
  if (narrow == std::end(kNarrow) && known == std::end(kTypes)) {
    throw Error(fmt::format("{}: element type {}, expected one of <f4 <f8 <i4 <i8 |u1 |b1.", where,
                            descriptor->substr(0, std::min(descriptor->find(','), std::size_t{24}))));
  }
  array.type = narrow != std::end(kNarrow) ? narrow->wide : known->type;
  array.shape = parse_shape(*shape, where);
  if (!order->starts_with("False") && array.shape.size() > 1) {
    throw Error(fmt::format("{}: the array is in Fortran order, expected C order (np.ascontiguousarray).", where));
  }
  const Bytes data = bytes.subspan(start + length);
  const std::size_t each = narrow != std::end(kNarrow) ? narrow->size : known->size;
  std::size_t expected = each;
  for (const std::size_t side : array.shape) {
    if (side != 0 && expected > (std::size_t{1} << 40) / side) {
      throw Error(fmt::format("{}: field 'shape' is larger than the file.", where));
    }
    expected *= side;
  }
  if (data.size() != expected) {
    throw Error(fmt::format("{}: holds {} bytes of data, its shape needs {}.", where, data.size(), expected));
  }
  if (narrow == std::end(kNarrow)) {
    array.bytes.assign(data.begin(), data.end());
    return array;
  }
  for (std::size_t at = 0; at < data.size(); at += each) narrow->widen(data, at, array.bytes);
  return array;
}

std::vector<std::byte> npy_header(const NpyArray& array) {
  std::string shape;
  for (const std::size_t side : array.shape) shape += fmt::format("{}, ", side);
  if (array.shape.size() > 1) shape.resize(shape.size() - 2);
  if (array.shape.size() == 1) shape.pop_back();
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", npy_descriptor(array.type), shape);
  // Padded so that the data begins at a multiple of 64.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::vector<std::byte> out;
  append(out, kNpyMagic);
  append(out, std::uint8_t{1});
  append(out, std::uint8_t{0});
  append(out, static_cast<std::uint16_t>(header.size()));
  append(out, header);
  return out;
}

void check_whole(const NpyArray& array, const std::string& where) {
  if (array.bytes.size() != array.count() * npy_item_size(array.type)) {
    throw Error(fmt::format("{}: cannot be written, its data does not fill its shape.", where));
  }
}

std::uint32_t crc(std::uint32_t start, Bytes bytes) {
  if (bytes.empty())
    return start;  // zlib takes the null pointer of an empty array for a question about its first value
  return static_cast<std::uint32_t>(crc32_z(start, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::vector<std::byte> inflate_raw(Bytes packed, std::size_t size, const std::string& where) {
  // Deflate cannot expand more than about 1032 times: refuse a hostile size before allocating it.
  if (size / 1040 > packed.size()) throw Error(fmt::format("{}: claims an impossible size of {} bytes.", where, size));
  std::vector<std::byte> out(size);
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw Error(fmt::format("{}: zlib does not start.", where));
  std::byte nothing{};
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(size > 0 ? out.data() : &nothing);
  stream.avail_out = static_cast<uInt>(size);
  const int result = inflate(&stream, Z_FINISH);
  const bool whole = result == Z_STREAM_END && stream.total_out == size;
  inflateEnd(&stream);
  if (!whole) throw Error(fmt::format("{}: the compressed data is damaged.", where));
  return out;
}

// Signatures and fixed sizes of the zip format (APPNOTE 6.3).
constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50;
constexpr std::size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22;

}  // namespace

std::size_t npy_item_size(NpyType type) {
  return type_name(type).size;
}
std::string_view npy_descriptor(NpyType type) {
  return type_name(type).descriptor;
}

std::size_t NpyArray::count() const {
  std::size_t count = 1;
  for (const std::size_t side : shape) count *= side;
  return count;
}

void NpyArray::require_type(NpyType expected, std::string_view what) const {
  const bool flags = expected == NpyType::u1 && type == NpyType::b1;  // a bool is a byte of 0 or 1
  if (type != expected && !flags) {
    throw Error(fmt::format("{}: element type {}, expected {}.", what, npy_descriptor(type), npy_descriptor(expected)));
  }
}

std::vector<float> NpyArray::to_floats() const {
  std::vector<float> out;
  auto convert = [&]<class T>(T) {
    const auto values = view<T>("array");
    out.assign(values.begin(), values.end());
  };
  switch (type) {
    case NpyType::f4:
      convert(float{});
      break;
    case NpyType::f8:
      convert(double{});
      break;
    case NpyType::i4:
      convert(std::int32_t{});
      break;
    case NpyType::i8:
      convert(std::int64_t{});
      break;
    case NpyType::u1:
    case NpyType::b1:
      convert(std::uint8_t{});
      break;
  }
  return out;
}

const NpyArray& Npz::at(std::string_view name) const {
  std::string known;
  for (const auto& [key, array] : arrays) {
    if (key == name) return array;
    known += (known.empty() ? "" : ", ") + key;
  }
  throw Error(fmt::format("{}: no array '{}'; it holds: {}.", file, name, known));
}

NpyArray read_npy(const std::filesystem::path& path) {
  return parse_npy(read_whole(path), path.string());
}

void write_npy(const std::filesystem::path& path, const NpyArray& array) {
  check_whole(array, path.string());
  DurableFile file(path);
  const auto header = npy_header(array);
  file.write(header.data(), header.size());
  file.write(array.bytes.data(), array.bytes.size());
  file.commit();
}

Npz read_npz(const std::filesystem::path& path) {
  return read_npz(path, [](std::string_view) { return true; });
}

Npz read_npz(const std::filesystem::path& path, const std::function<bool(std::string_view)>& wanted) {
  auto parts = read_npz_parts(path, wanted);
  if (!parts.unreadable.empty()) throw Error(parts.unreadable.front().second);
  return parts;
}

NpzParts read_npz_parts(const std::filesystem::path& path, const std::function<bool(std::string_view)>& wanted) {
  const std::string where = path.string();
  const std::vector<std::byte> whole = read_whole(path);
  const Bytes bytes = whole;
  const auto cut = [&](std::string_view what) { return Error(fmt::format("{}: {} is cut short.", where, what)); };

  // The end record is the last one whose comment reaches the file's end.
  std::optional<std::size_t> end;
  for (std::size_t back = kEndSize; back <= bytes.size() && back <= kEndSize + 0xffff && !end; ++back) {
    const std::size_t at = bytes.size() - back;
    if (number<std::uint32_t>(bytes, at) == kEnd && number<std::uint16_t>(bytes, at + 20) == back - kEndSize) end = at;
  }
  if (!end) throw Error(fmt::format("{}: not an .npz file, or cut short (no zip directory at its end).", where));

  NpzParts npz;
  npz.file = where;
  const std::size_t count = number<std::uint16_t>(bytes, *end + 10);
  std::size_t at = number<std::uint32_t>(bytes, *end + 16);
  for (std::size_t i = 0; i < count; ++i) {
    if (at > bytes.size() || bytes.size() - at < kCentralSize) throw cut("the directory");
    if (number<std::uint32_t>(bytes, at) != kCentral) {
      throw Error(fmt::format("{}: the zip directory is damaged at entry {}.", where, i));
    }
    const auto method = number<std::uint16_t>(bytes, at + 10);
    const auto checksum = number<std::uint32_t>(bytes, at + 16);
    const std::size_t packed = number<std::uint32_t>(bytes, at + 20), size = number<std::uint32_t>(bytes, at + 24);
    const std::size_t name_length = number<std::uint16_t>(bytes, at + 28);
    const std::size_t tail =
        name_length + number<std::uint16_t>(bytes, at + 30) + number<std::uint16_t>(bytes, at + 32);
    const std::size_t local = number<std::uint32_t>(bytes, at + 42);
    if (bytes.size() - at - kCentralSize < tail) throw cut("the directory");
    std::string name(reinterpret_cast<const char*>(bytes.data()) + at + kCentralSize, name_length);
    at += kCentralSize + tail;
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    const std::string field_name = fmt::format("{}: array '{}'", where, name);
    if (!wanted(name)) continue;

    if (local > bytes.size() || bytes.size() - local < kLocalSize) throw cut(name);
    if (number<std::uint32_t>(bytes, local) != kLocal) throw Error(fmt::format("{}: damaged entry.", field_name));
    const std::size_t data =
        local + kLocalSize + number<std::uint16_t>(bytes, local + 26) + number<std::uint16_t>(bytes, local + 28);
    if (data > bytes.size() || bytes.size() - data < packed) throw cut(name);
    const Bytes raw = bytes.subspan(data, packed);
    std::vector<std::byte> unpacked;
    if (method == 8) {
      unpacked = inflate_raw(raw, size, field_name);
    } else if (method == 0 && packed == size) {
      unpacked.assign(raw.begin(), raw.end());
    } else {
      throw Error(fmt::format("{}: zip method {}, expected stored (0) or deflated (8).", field_name, method));
    }
    if (crc(0, unpacked) != checksum) throw Error(fmt::format("{}: damaged, its checksum does not match.", field_name));
    try {
      npz.arrays.emplace_back(name, parse_npy(unpacked, field_name));
    } catch (const Error& error) {
      npz.unreadable.emplace_back(name, error.what());
    }
  }
  return npz;
}

void write_npz(const std::filesystem::path& path, const Npz& npz) {
  DurableFile file(path);
  std::vector<std::byte> directory;
  std::uint64_t offset = 0;
  for (const auto& [name, array] : npz.arrays) {
    check_whole(array, fmt::format("{}: array '{}'", path.string(), name));
    const std::string entry = name + ".npy";
    const auto head = npy_header(array);
    const std::uint64_t size = head.size() + array.bytes.size();
    if (offset + size + entry.size() + kLocalSize > 0xfffffff0ULL) {
      throw Error(fmt::format("{}: would pass 4 GB, write fewer arrays.", path.string()));
    }
    // What local and central headers have in common: version, flags, method, time, date, checksum, sizes, lengths.
    std::vector<std::byte> common;
    for (const int v : {20, 0, 0, 0, 33}) append(common, static_cast<std::uint16_t>(v));
    append(common, crc(crc(0, head), array.bytes));
    append(common, static_cast<std::uint32_t>(size));
    append(common, static_cast<std::uint32_t>(size));
    append(common, static_cast<std::uint16_t>(entry.size()));
    append(common, std::uint16_t{0});

    std::vector<std::byte> local;
    append(local, kLocal);
    local.insert(local.end(), common.begin(), common.end());
    append(local, entry);
    append(directory, kCentral);
    append(directory, std::uint16_t{20});
    directory.insert(directory.end(), common.begin(), common.end());
    for (int i = 0; i < 3; ++i) append(directory, std::uint16_t{0});
    append(directory, std::uint32_t{0});
    append(directory, static_cast<std::uint32_t>(offset));
    append(directory, entry);

    file.write(local.data(), local.size());
    file.write(head.data(), head.size());
    file.write(array.bytes.data(), array.bytes.size());
    offset += local.size() + size;
  }
  std::vector<std::byte> end;
  append(end, kEnd);
  append(end, std::uint32_t{0});
  append(end, static_cast<std::uint16_t>(npz.arrays.size()));
  append(end, static_cast<std::uint16_t>(npz.arrays.size()));
  append(end, static_cast<std::uint32_t>(directory.size()));
  append(end, static_cast<std::uint32_t>(offset));
  append(end, std::uint16_t{0});
  file.write(directory.data(), directory.size());
  file.write(end.data(), end.size());
  file.commit();
}

}  // namespace dream
