#include "core/nn/checkpoint.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/base/nearest.h"
#include "nlohmann/json.hpp"

namespace dream {
namespace {

using nlohmann::json;

// Headers of real models take kilobytes; the limit keeps a hostile one from filling the memory.
constexpr std::uint64_t max_header = 16u << 20;
constexpr int max_rank = 16;

struct Dtype {
  const char* name;
  torch::ScalarType type;
  std::uint64_t size;
};
constexpr std::array<Dtype, 10> dtypes = {{{"F64", torch::kFloat64, 8},
                                           {"I64", torch::kInt64, 8},
                                           {"F32", torch::kFloat32, 4},
                                           {"I32", torch::kInt32, 4},
                                           {"F16", torch::kFloat16, 2},
                                           {"BF16", torch::kBFloat16, 2},
                                           {"I16", torch::kInt16, 2},
                                           {"I8", torch::kInt8, 1},
                                           {"U8", torch::kUInt8, 1},
                                           {"BOOL", torch::kBool, 1}}};

std::string shape_text(torch::IntArrayRef shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += shape[i] < 0 ? "any" : std::to_string(shape[i]);
  }
  return text + "]";
}

const Dtype& dtype_of(torch::ScalarType type, const std::string& tensor) {
  for (const Dtype& dtype : dtypes) {
    if (dtype.type == type) return dtype;
  }
  throw Error("Tensor '" + tensor + "' has the type " + std::string(c10::toString(type)) +
              ", which a checkpoint cannot hold.");
}

constexpr const char* checksum_key = "crc32";

/// Of all texts and of all tensors' names, types, shapes and values, in the order of their names. `tensors` are contiguous, on the CPU.
std::string checksum_of(const std::map<std::string, std::string>& texts, const std::map<std::string, torch::Tensor>& tensors) {
  uLong crc = ::crc32_z(0, nullptr, 0);
  const auto add = [&](const void* bytes, std::size_t count) {
    if (count > 0) crc = ::crc32_z(crc, static_cast<const Bytef*>(bytes), count);  // nothing, at no address, would begin it anew
  };
  const auto add_text = [&](const std::string& text) { add(text.c_str(), text.size() + 1); };
  for (const auto& [key, text] : texts) add_text(key), add_text(text);
  for (const auto& [name, tensor] : tensors) {
    add_text(name), add_text(dtype_of(tensor.scalar_type(), name).name + shape_text(tensor.sizes()));
    add(tensor.data_ptr(), tensor.nbytes());
  }
  std::array<char, 9> digits{};
  std::snprintf(digits.data(), digits.size(), "%08lx", crc);
  return digits.data();
}

/// What the header says about one tensor, checked.
struct Entry {
  std::string name;
  Dtype dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin, end;
};

/// A reader of one file that turns every finding into a sentence with the file's name.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path), size_(regular_file_size(path)) {
    file_.open(path, std::ios::binary);
    if (!file_) fail("it cannot be opened");
  }

  Checkpoint load(bool with_tensors) {
    const json header = read_header();
    std::vector<Entry> entries;
    Checkpoint checkpoint;
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__") {
        read_metadata(value, checkpoint);
      } else {
        entries.push_back(read_entry(name, value));
      }
    }
    check_layout(entries);
    const auto said = checkpoint.metadata.extract(checksum_key);
    for (const Entry& entry : entries) {
      const auto shapes_alone = torch::dtype(entry.dtype.type).device(torch::kMeta);
      checkpoint.tensors.emplace(entry.name,
                                 with_tensors ? read_tensor(entry) : torch::empty(entry.shape, shapes_alone));
    }
    if (with_tensors && said && said.mapped() != checksum_of(checkpoint.metadata, checkpoint.tensors))
      fail("what is in it is not what was saved: it is damaged, or was changed on purpose by what left the old checksum, '" +
           std::string(checksum_key) + "', in its metadata");
    checkpoint.origin = path_.string();
    return checkpoint;
  }

 private:
  [[noreturn]] void fail(const std::string& found) const {
    throw Error("'" + path_.string() + "' is not a usable checkpoint (safetensors): " + found + ".");
  }
  [[noreturn]] void fail_tensor(const std::string& name, const std::string& found) const {
    fail("tensor '" + name + "': " + found);
  }

  void read_bytes(void* into, std::uint64_t count) {
    if (count == 0) return;
    if (!file_.read(static_cast<char*>(into), static_cast<std::streamsize>(count))) fail("it ends early");
  }

  json read_header() {
    if (size_ < 8) fail("it has " + std::to_string(size_) + " bytes, and the header's length alone takes 8");
    std::array<unsigned char, 8> raw{};
    read_bytes(raw.data(), raw.size());
    std::uint64_t length = 0;
    for (int i = 7; i >= 0; --i) length = length << 8 | raw[static_cast<std::size_t>(i)];
    if (length > size_ - 8) {
      fail("its header claims " + std::to_string(length) + " bytes, and the file has " + std::to_string(size_) +
           "; it is truncated or of another format");
    }
    if (length > max_header) {
      fail("its header claims " + std::to_string(length) + " bytes; at most " + std::to_string(max_header) +
           " were expected");
    }
    std::string text(length, '\0');
    read_bytes(text.data(), length);
    if (text.empty() || text[0] != '{') fail("its header does not begin with '{'");
    data_begin_ = 8 + length;
    data_size_ = size_ - data_begin_;

    // Names must be unique, and nothing in the format is nested deeper than a tensor's shape.
    std::vector<std::set<std::string>> names;
    const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
      if (depth > 4) fail("its header is nested too deeply");
      if (event == json::parse_event_t::object_start) {
        names.emplace_back();
      } else if (event == json::parse_event_t::object_end) {
        names.pop_back();
      } else if (event == json::parse_event_t::key && !names.back().insert(parsed.get<std::string>()).second) {
        fail("its header holds the name '" + parsed.get<std::string>() + "' twice");
      }
      return true;
    };
    json header;
    try {
      header = json::parse(text, watch);
    } catch (const json::exception& error) {
      fail("its header is not valid JSON (" + std::string(error.what()) + ")");
    }
    if (!header.is_object()) fail("its header is not a JSON object");
    return header;
  }

  void read_metadata(const json& value, Checkpoint& checkpoint) const {
    if (!value.is_object()) fail("its '__metadata__' is not an object of texts");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail("metadata '" + key + "' is not a text");
      checkpoint.metadata[key] = text.get<std::string>();
    }
  }

  std::uint64_t unsigned_number(const json& value, const std::string& name, const char* what) const {
    if (!value.is_number_unsigned()) {
      fail_tensor(name, std::string(what) + " must be whole numbers that are not negative");
    }
    return value.get<std::uint64_t>();
  }

  Entry read_entry(const std::string& name, const json& value) const {
    if (!value.is_object()) fail_tensor(name, "an object with dtype, shape and data_offsets was expected");
    for (const auto& [key, unused] : value.items()) {
      if (key != "dtype" && key != "shape" && key != "data_offsets") fail_tensor(name, "unknown entry '" + key + "'");
    }
    if (value.size() != 3) fail_tensor(name, "dtype, shape or data_offsets is missing");

    Entry entry;
    entry.name = name;
    const json& type = value["dtype"];
    const std::string type_name = type.is_string() ? type.get<std::string>() : type.dump();
    const auto known = std::find_if(dtypes.begin(), dtypes.end(), [&](const Dtype& d) { return type_name == d.name; });
    if (known == dtypes.end()) {
      fail_tensor(name, "unknown dtype '" + type_name.substr(0, 40) +
                            "'; one of F64, F32, F16, BF16, I64, I32, I16, "
                            "I8, U8, BOOL was expected");
    }
    entry.dtype = *known;

    const json& shape = value["shape"];
    if (!shape.is_array() || shape.size() > max_rank) {
      fail_tensor(name, "shape must be a list of at most " + std::to_string(max_rank) + " sizes");
    }
    // Bounded by what a tensor can address at all, so that no product below overflows, zeros or not.
    constexpr std::uint64_t limit = std::uint64_t{1} << 48;
    std::uint64_t bounded = entry.dtype.size, bytes = entry.dtype.size;
    for (const json& item : shape) {
      const std::uint64_t extent = unsigned_number(item, name, "the sizes of its shape");
      if (extent > limit / bounded) {
        fail_tensor(name, "its shape " + shape.dump().substr(0, 80) + " is larger than any memory");
      }
      bounded *= std::max<std::uint64_t>(extent, 1);
      bytes *= extent;
      entry.shape.push_back(static_cast<std::int64_t>(extent));
    }

    const json& offsets = value["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2) fail_tensor(name, "data_offsets must be two numbers");
    entry.begin = unsigned_number(offsets[0], name, "data_offsets");
    entry.end = unsigned_number(offsets[1], name, "data_offsets");
    if (entry.begin > entry.end || entry.end > data_size_) {
      fail_tensor(name, "its data_offsets [" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) +
                            "] lie outside the " + std::to_string(data_size_) + " bytes of data in the file");
    }
    if (entry.end - entry.begin != bytes) {
      fail_tensor(name, "its shape " + shape_text(entry.shape) + " of " + entry.dtype.name + " takes " +
                            std::to_string(bytes) + " bytes, and its data_offsets span " +
                            std::to_string(entry.end - entry.begin));
    }
    return entry;
  }

  /// The format wants the tensors to tile the data: no overlap, no hole, nothing behind.
  void check_layout(std::vector<Entry>& entries) const {
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    std::uint64_t position = 0;
    for (const Entry& entry : entries) {
      if (entry.begin < position) fail_tensor(entry.name, "its data overlaps that of another tensor");
      if (entry.begin > position) fail_tensor(entry.name, "there is a hole of unknown bytes before its data");
      position = entry.end;
    }
    if (position != data_size_) {
      fail("it holds " + std::to_string(data_size_) + " bytes of data, and its tensors take " +
           std::to_string(position));
    }
  }

  torch::Tensor read_tensor(const Entry& entry) {
    try {
      torch::Tensor tensor = torch::empty(entry.shape, entry.dtype.type);
      file_.seekg(static_cast<std::streamoff>(data_begin_ + entry.begin));
      read_bytes(tensor.data_ptr(), entry.end - entry.begin);
      if (entry.dtype.type == torch::kBool) {
        const auto* bytes = static_cast<const unsigned char*>(tensor.data_ptr());
        if (std::any_of(bytes, bytes + (entry.end - entry.begin), [](unsigned char b) { return b > 1; })) {
          fail_tensor(entry.name, "a BOOL that is neither 0 nor 1");
        }
      }
      return tensor;
    } catch (const c10::Error& error) {
      fail_tensor(entry.name, std::string("it cannot be held in memory (") + error.what_without_backtrace() + ")");
    }
  }

  std::filesystem::path path_;
  std::uint64_t size_, data_begin_ = 0, data_size_ = 0;
  std::ifstream file_;
};

std::string source(const Checkpoint& checkpoint) {
  return checkpoint.origin.empty() ? std::string("The checkpoint") : "'" + checkpoint.origin + "'";
}

}  // namespace

void Checkpoint::save(const std::filesystem::path& path) const {
  struct Item {
    const std::string* name;
    torch::Tensor tensor;
    Dtype dtype;
  };
  std::vector<Item> items;
  std::map<std::string, torch::Tensor> plain;
  for (const auto& [name, tensor] : tensors) {
    if (name == "__metadata__") throw Error("A tensor cannot be called '__metadata__'.");
    if (!tensor.defined()) throw Error("Tensor '" + name + "' is undefined and cannot be saved.");
    const Dtype& dtype = dtype_of(tensor.scalar_type(), name);
    items.push_back({&name, plain[name] = tensor.detach().to(torch::kCPU).contiguous(), dtype});
  }
  auto texts = metadata;
  texts.erase(checksum_key);
  texts[checksum_key] = checksum_of(texts, plain);
  // Larger types first, as the reference implementation does, so that every tensor is aligned.
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return a.dtype.size > b.dtype.size; });

  json header = json::object();
  header["__metadata__"] = texts;
  std::uint64_t position = 0;
  for (const Item& item : items) {
    const std::uint64_t bytes = item.tensor.nbytes();
    header[*item.name] = {{"dtype", item.dtype.name},
                          {"shape", item.tensor.sizes().vec()},
                          {"data_offsets", {position, position + bytes}}};
    position += bytes;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception& error) {
    throw Error("Cannot save '" + path.string() + "': a name or metadata text is not UTF-8 (" + error.what() + ").");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > max_header) {
    throw Error("Cannot save '" + path.string() + "': its header takes " + std::to_string(text.size()) +
                " bytes; at most " + std::to_string(max_header) + " are possible.");
  }

  if (path.has_parent_path()) make_folder(path.parent_path());
  DurableFile file(path);
  std::array<unsigned char, 8> length{};
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<unsigned char>(text.size() >> (8 * i));
  file.write(length.data(), length.size());
  file.write(text.data(), text.size());
  for (const Item& item : items) file.write(item.tensor.data_ptr(), item.tensor.nbytes());
  file.commit();
}

Checkpoint Checkpoint::load(const std::filesystem::path& path) {
  return Reader(path).load(true);
}

Checkpoint Checkpoint::peek(const std::filesystem::path& path) {
  return Reader(path).load(false);
}

torch::Tensor Checkpoint::exact(const std::string& name, torch::IntArrayRef shape) const {
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    std::vector<std::string> names;
    for (const auto& [key, unused] : tensors) names.push_back(key);
    const std::string near = nearest(name, names);
    throw Error(source(*this) + " has no tensor '" + name + "'" +
                (near.empty() ? "." : "; the nearest that it has is '" + near + "'."));
  }
  const torch::Tensor& tensor = found->second;
  bool fits = tensor.dim() == static_cast<std::int64_t>(shape.size());
  for (std::size_t i = 0; fits && i < shape.size(); ++i) {
    fits = shape[i] < 0 || shape[i] == tensor.size(static_cast<std::int64_t>(i));
  }
  if (!fits) {
    throw Error(source(*this) + ": tensor '" + name + "' has the shape " + shape_text(tensor.sizes()) + ", and " +
                shape_text(shape) + " was expected.");
  }
  return tensor;
}

torch::Tensor Checkpoint::get(const std::string& name, torch::IntArrayRef shape) const {
  const torch::Tensor tensor = exact(name, shape);
  return tensor.is_floating_point() ? tensor.to(torch::kFloat32) : tensor;
}

torch::Tensor Checkpoint::finite(const std::string& name, torch::IntArrayRef shape) const {
  const torch::Tensor tensor = exact(name, shape);
  if (tensor.is_floating_point() && !tensor.isfinite().all().item<bool>()) {
    throw Error(source(*this) + ": tensor '" + name + "' holds a value that is not finite; the file is damaged.");
  }
  return tensor;
}

std::int64_t Checkpoint::count(const std::string& name) const {
  constexpr std::int64_t most = std::int64_t{1} << 50;
  const auto found = tensors.find(name);
  const torch::Tensor tensor = found != tensors.end() && found->second.dim() == 0 ? exact(name, {}) : exact(name, {1});
  const auto value = tensor.scalar_type() == torch::kInt64 ? tensor.item<std::int64_t>() : -1;
  if (value < 0 || value > most) {
    throw Error(source(*this) + ": tensor '" + name + "' is not a count, a whole number from 0 to " +
                std::to_string(most) + "; the file is damaged.");
  }
  return value;
}

const std::string& Checkpoint::text(const std::string& key) const {
  const auto found = metadata.find(key);
  if (found == metadata.end())
    throw Error(source(*this) + " has no metadata '" + key + "'; is it a checkpoint of this program?");
  return found->second;
}

}  // namespace dream
