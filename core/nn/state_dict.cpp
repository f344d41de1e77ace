#include "core/nn/state_dict.h"

#include <caffe2/serialize/inline_container.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <memory>
#include <string_view>
#include <vector>

#include "api/error.h"
#include "core/base/text.h"
#include "core/base/zip_names.h"

namespace dream {
namespace {

/// A Python value as far as it is of interest.
struct Pickled {
  enum class Kind { nothing, number, text, name, tuple, list, dict, storage, tensor, object } kind = Kind::nothing;
  double number = 0;
  std::string text;  // also of a name ("torch._utils._rebuild_tensor_v2"), an object's class, a storage's key
  std::vector<std::shared_ptr<Pickled>> items;  // of a dictionary keys and values in turn; of an object what it was made with
  torch::Tensor tensor;
  torch::ScalarType type = torch::kFloat32;  // of a storage
};
using Unpickled = std::shared_ptr<Pickled>;

Unpickled made(Pickled::Kind kind, std::string text = {}) {
  auto value = std::make_shared<Pickled>();
  value->kind = kind, value->text = std::move(text);
  return value;
}

/// The virtual machine of Python's pickle (PEP 3154), which knows no function: https://docs.python.org/3/library/pickletools.html
class PickleReader {
 public:
  PickleReader(caffe2::serialize::PyTorchStreamReader& archive, std::string bytes) : archive_(archive), bytes_(std::move(bytes)) {}

  Unpickled read() {
    while (true) {
      const auto code = byte();
      if (code == '.') return pop();
      step(code);
    }
  }

 private:
  [[noreturn]] static void fail(const std::string& what) { throw Error(what); }

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) fail("it ends within a value");
    at_ += count;
    return std::string_view(bytes_).substr(at_ - count, count);
  }
  unsigned char byte() { return static_cast<unsigned char>(take(1)[0]); }
  std::uint64_t whole(int width) {  // little-endian, without a sign
    std::uint64_t value = 0;
    const auto from = take(static_cast<std::uint64_t>(width));
    for (int i = width; i-- > 0;) value = value << 8 | static_cast<unsigned char>(from[static_cast<std::size_t>(i)]);
    return value;
  }
  std::string line() {
    const auto end = bytes_.find('\n', at_);
    if (end == std::string::npos) fail("it ends within a line");
    std::string text = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return text;
  }

  void push(Unpickled value) { stack_.push_back(std::move(value)); }
  Unpickled pop() {
    if (stack_.empty() || (!marks_.empty() && stack_.size() <= marks_.back())) fail("a value is missing in it");
    auto value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }
  const Unpickled& top() {
    if (stack_.empty()) fail("a value is missing in it");
    return stack_.back();
  }
  std::vector<Unpickled> since_mark() {
    if (marks_.empty() || marks_.back() > stack_.size()) fail("a mark is missing in it");
    const auto from = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Unpickled> values(from, stack_.end());
    stack_.erase(from, stack_.end());
    marks_.pop_back();
    return values;
  }
  void push_number(double number) {
    push(made(Pickled::Kind::number));
    stack_.back()->number = number;
  }
  void push_list(Pickled::Kind kind, std::vector<Unpickled> items) {
    push(made(kind));
    stack_.back()->items = std::move(items);
  }
  void add_to_top(std::vector<Unpickled> items) {
    auto& into = top()->items;
    into.insert(into.end(), items.begin(), items.end());
  }
  void push_known(std::uint64_t number) {
    const auto found = memo_.find(number);
    if (found == memo_.end()) fail("a value that it remembers is missing in it");
    push(found->second);
  }

  void step(unsigned char code) {
    using Kind = Pickled::Kind;
    switch (code) {
      case 0x80: byte(); return;                                   // PROTO
      case 0x95: whole(8); return;                                 // FRAME
      case '(': marks_.push_back(stack_.size()); return;           // MARK
      case '0': pop(); return;                                     // POP
      case 'N': push(made(Kind::nothing)); return;                 // NONE
      case 0x88: push_number(1); return;                           // NEWTRUE
      case 0x89: push_number(0); return;                           // NEWFALSE
      case 'J': push_number(std::bit_cast<std::int32_t>(static_cast<std::uint32_t>(whole(4)))); return;  // BININT
      case 'K': push_number(static_cast<double>(whole(1))); return;  // BININT1
      case 'M': push_number(static_cast<double>(whole(2))); return;  // BININT2
      case 0x8a: {                                                 // LONG1, two's complement
        const auto width = byte();
        if (width > 8) fail("a whole number in it has more than 64 bits");
        auto value = whole(width);
        if (width > 0 && width < 8 && (value >> (8 * width - 1)) & 1) value |= ~std::uint64_t{0} << (8 * width);
        return push_number(static_cast<double>(std::bit_cast<std::int64_t>(value)));
      }
      case 'G': {  // BINFLOAT, big-endian
        std::uint64_t bits = 0;
        for (const char each : take(8)) bits = bits << 8 | static_cast<unsigned char>(each);
        return push_number(std::bit_cast<double>(bits));
      }
      case 'X': push(made(Kind::text, std::string(take(whole(4))))); return;   // BINUNICODE
      case 0x8c: push(made(Kind::text, std::string(take(whole(1))))); return;  // SHORT_BINUNICODE
      case 0x8d: push(made(Kind::text, std::string(take(whole(8))))); return;  // BINUNICODE8
      case 'C': push(made(Kind::text, std::string(take(whole(1))))); return;   // SHORT_BINBYTES
      case 'B': push(made(Kind::text, std::string(take(whole(4))))); return;   // BINBYTES
      case 'U': push(made(Kind::text, std::string(take(whole(1))))); return;   // SHORT_BINSTRING
      case 'c': {                                                  // GLOBAL
        const auto module = line();
        return push(made(Kind::name, module + '.' + line()));
      }
      case 0x93: {  // STACK_GLOBAL
        const auto name = pop(), module = pop();
        return push(made(Kind::name, module->text + '.' + name->text));
      }
      case 'q': memo_[whole(1)] = top(); return;                   // BINPUT
      case 'r': memo_[whole(4)] = top(); return;                   // LONG_BINPUT
      case 0x94: memo_[memo_.size()] = top(); return;              // MEMOIZE
      case 'h': return push_known(whole(1));                       // BINGET
      case 'j': return push_known(whole(4));                       // LONG_BINGET
      case ')': return push_list(Kind::tuple, {});                 // EMPTY_TUPLE
      case ']': return push_list(Kind::list, {});                  // EMPTY_LIST
      case 0x8f: return push_list(Kind::list, {});                 // EMPTY_SET
      case '}': return push_list(Kind::dict, {});                  // EMPTY_DICT
      case 't': return push_list(Kind::tuple, since_mark());       // TUPLE
      case 'l': return push_list(Kind::list, since_mark());        // LIST
      case 'd': return push_list(Kind::dict, since_mark());        // DICT
      case 0x85: return push_list(Kind::tuple, {pop()});           // TUPLE1
      case 0x86: {                                                 // TUPLE2
        const auto b = pop(), a = pop();
        return push_list(Kind::tuple, {a, b});
      }
      case 0x87: {  // TUPLE3
        const auto c = pop(), b = pop(), a = pop();
        return push_list(Kind::tuple, {a, b, c});
      }
      case 'a': {  // APPEND
        const auto item = pop();
        return add_to_top({item});
      }
      case 's': {  // SETITEM
        const auto value = pop(), key = pop();
        return add_to_top({key, value});
      }
      case 'e':    // APPENDS
      case 'u':    // SETITEMS
      case 0x90:   // ADDITEMS
        return add_to_top(since_mark());
      case 'Q': return push(storage_of(*pop()));                   // BINPERSID
      case 'R':                                                    // REDUCE
      case 0x81: {                                                 // NEWOBJ
        const auto arguments = pop(), what = pop();
        return push(result_of(*what, *arguments));
      }
      case 'b': {  // BUILD: what an object is made of; OrderedDict has attributes beside its entries, of which none matter
        const auto state = pop();
        if (top()->kind == Kind::object) add_to_top({state});
        return;
      }
      default: fail("it holds a kind of value that is not known here (pickle's opcode " + std::to_string(code) + ")");
    }
  }

  static Unpickled result_of(const Pickled& what, const Pickled& arguments) {
    using Kind = Pickled::Kind;
    const auto& name = what.text;
    if (name == "collections.OrderedDict" || name == "collections.defaultdict") return made(Kind::dict);
    if (name == "torch._utils._rebuild_parameter" && !arguments.items.empty()) return arguments.items[0];
    if (name == "torch._utils._rebuild_tensor_v2" && arguments.items.size() >= 4) return tensor_of(arguments.items);
    auto object = made(Kind::object, name);
    object->items = arguments.items;
    return object;
  }

  /// ("storage", torch.FloatStorage, key, where, numbers)
  Unpickled storage_of(const Pickled& id) {
    static const std::map<std::string, torch::ScalarType> types = {
        {"torch.FloatStorage", torch::kFloat32}, {"torch.DoubleStorage", torch::kFloat64}, {"torch.HalfStorage", torch::kFloat16},
        {"torch.BFloat16Storage", torch::kBFloat16}, {"torch.LongStorage", torch::kInt64}, {"torch.IntStorage", torch::kInt32},
        {"torch.ShortStorage", torch::kInt16}, {"torch.CharStorage", torch::kInt8}, {"torch.ByteStorage", torch::kUInt8},
        {"torch.BoolStorage", torch::kBool}};
    if (id.items.size() < 5) fail("it refers to something that is no storage of numbers");
    const auto type = types.find(id.items[1]->text);
    if (type == types.end()) fail("it holds numbers of a type that is not known here: " + printable(id.items[1]->text, 60));
    const auto& key = id.items[2]->text;
    auto& storage = storages_[key];
    if (storage) return storage;
    const auto record = "data/" + key;
    if (!archive_.hasRecord(record)) fail("its numbers '" + printable(record, 60) + "' are missing");
    const auto [data, size] = archive_.getRecord(record);
    const auto width = static_cast<std::size_t>(c10::elementSize(type->second));
    storage = made(Pickled::Kind::storage, key);
    storage->tensor = torch::empty({static_cast<std::int64_t>(size / width)}, type->second);
    std::memcpy(storage->tensor.data_ptr(), data.get(), size / width * width);
    return storage;
  }

  /// (storage, offset, sizes, strides, …)
  static Unpickled tensor_of(const std::vector<Unpickled>& arguments) {
    if (arguments[0]->kind != Pickled::Kind::storage) fail("a tensor in it has no numbers");
    const auto& numbers = arguments[0]->tensor;
    const auto wholes = [](const Pickled& list) {
      std::vector<std::int64_t> values;
      for (const auto& each : list.items) {
        if (!(each->number >= 0 && each->number < 1e15)) fail("a tensor in it has an impossible shape");
        values.push_back(static_cast<std::int64_t>(each->number));
      }
      return values;
    };
    const auto sizes = wholes(*arguments[2]), strides = wholes(*arguments[3]);
    if (sizes.size() != strides.size() || !(arguments[1]->number >= 0 && arguments[1]->number < 1e15)) fail("a tensor in it has an impossible shape");
    const auto offset = static_cast<std::int64_t>(arguments[1]->number);
    double last = arguments[1]->number, count = 1;  // in doubles, which do not run over
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      count *= static_cast<double>(sizes[i]);
      last += (static_cast<double>(sizes[i]) - 1) * static_cast<double>(strides[i]);
    }
    if (count > 0 && last >= static_cast<double>(numbers.numel())) fail("a tensor in it is larger than its numbers");
    auto value = made(Pickled::Kind::tensor);
    value->tensor = count > 0 ? numbers.as_strided(sizes, strides, offset) : torch::empty(sizes, numbers.options());
    return value;
  }

  caffe2::serialize::PyTorchStreamReader& archive_;
  std::string bytes_;
  std::size_t at_ = 0;
  std::vector<Unpickled> stack_;
  std::vector<std::size_t> marks_;
  std::map<std::uint64_t, Unpickled> memo_;
  std::map<std::string, Unpickled> storages_;
};

constexpr int deepest = 24;
constexpr std::size_t most_found = 100'000;

/// By the way to them. Python's attributes of modules are left out of the names, as they are in state_dict()'s.
void gather(const Pickled& value, const std::string& name, int depth, StateDict& into) {
  using Kind = Pickled::Kind;
  const auto below = [&](const std::string& key) {
    return key == "_parameters" || key == "_buffers" || key == "_modules" ? name : name.empty() ? key : name + '.' + key;
  };
  if (into.tensors.size() + into.rest.size() > most_found) throw Error("it holds more than 100,000 values");
  switch (value.kind) {
    case Kind::tensor: into.tensors[name] = value.tensor; return;
    case Kind::number: into.rest[name] = number_text(value.number); return;
    case Kind::text: into.rest[name] = '"' + value.text + '"'; return;
    case Kind::name: into.rest[name] = value.text; return;
    case Kind::nothing: return;
    case Kind::storage: into.rest[name] = "numbers"; return;
    default: break;
  }
  if (depth > deepest) return void(into.rest[name] = "…");
  if (value.kind == Kind::object) into.rest[name] = value.text;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (value.kind == Kind::dict) {
      if (i % 2 == 0 && i + 1 < value.items.size()) {
        const auto& key = *value.items[i];
        gather(*value.items[i + 1], below(key.kind == Kind::number ? number_text(key.number) : key.text), depth + 1, into);
      }
    } else {
      gather(*value.items[i], value.kind == Kind::object ? name : below(std::to_string(i)), depth + 1, into);
    }
  }
}

constexpr std::string_view zip_begins("PK\3\4", 4), old_begins("\x80\x02\x8a\x0a", 4);

bool begins_with(const std::filesystem::path& path, std::string_view begin) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;  // a pipe would be waited for
  std::ifstream in(path, std::ios::binary);
  std::string bytes(begin.size(), '\0');
  return in.read(bytes.data(), static_cast<std::streamsize>(bytes.size())) && bytes == begin;
}

}  // namespace

bool is_torch_save(const std::filesystem::path& path) {
  return begins_with(path, zip_begins) || begins_with(path, old_begins);
}

StateDict read_state_dict(const std::filesystem::path& path) {
  check_zip(path);
  try {
    if (begins_with(path, old_begins)) throw Error("PyTorch before 1.6 has saved it; load it there, and save it again with torch.save");
    caffe2::serialize::PyTorchStreamReader archive(path.string());
    if (archive.hasRecord("constants.pkl")) throw Error("it is a TorchScript module, which holds code; weights alone are torch.save(module.state_dict())");
    if (!archive.hasRecord("data.pkl")) throw Error("it is a zip archive, and none of torch.save's");
    const auto [data, size] = archive.getRecord("data.pkl");
    StateDict found;
    gather(*PickleReader(archive, std::string(static_cast<const char*>(data.get()), size)).read(), "", 0, found);
    return found;
  } catch (const c10::Error& error) {
    const std::string what = error.what_without_backtrace();
    throw Error("'" + path.string() + "' cannot be read as weights: " + printable(what.substr(0, what.find('\n')), 120));
  } catch (const Error& error) {
    throw Error("'" + path.string() + "' cannot be read as weights: " + error.what());
  }
}

}  // namespace dream
