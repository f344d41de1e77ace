#include "core/live/run_folder.h"

#include <fstream>
#include <vector>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/base/text.h"

namespace dream {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_name = 200;  // bytes: file systems take 255, and what is beside it needs a few

/// Without a slash at its end, so that it has a name.
fs::path plain(const fs::path& folder) {
  return (folder / "").lexically_normal().parent_path();
}

void require_name(const std::string& name) {
  const bool one = !name.empty() && name.find_first_of("/\\") == std::string::npos && name.front() != '.';
  if (!one || name.size() > longest_name || printable(name, longest_name) != name)
    throw Error("'" + printable(name) + "' is no name for a run: letters without a slash were expected, not beginning "
                "with a dot");
}

void require_run(const fs::path& run) {
  std::error_code ignored;
  if (!fs::is_regular_file(run / "checkpoint.safetensors", ignored))
    throw Error(run.string() + " is no run's folder: it holds no checkpoint.safetensors");
}

void require_untrained(const fs::path& run) {
  const auto by = writer_of(run);
  if (!by.empty()) throw Error(run.string() + " is being trained (" + by + "): stop and save that first");
}

/// Nobody can begin to train it meanwhile.
FolderLock lock_of(const fs::path& run) {
  require_run(run);
  require_untrained(run);
  return FolderLock(run);
}

struct Piece {
  fs::path path;  // below the run's folder
  std::uint64_t bytes;
};

std::vector<Piece> pieces_of(const fs::path& run) {
  std::vector<Piece> pieces;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    if (entry.is_regular_file() && entry.path().filename() != ".lock")
      pieces.push_back({entry.path().lexically_relative(run), entry.file_size()});
  }
  return pieces;
}

}  // namespace

fs::path rename_run(const fs::path& run, const std::string& name) {
  require_name(name);
  const auto from = plain(run), to = from.parent_path() / name;
  require_free(to);
  const auto lock = lock_of(from);
  move_folder(from, to);
  return to;
}

void copy_run(const fs::path& run, const fs::path& to, const CopyProgress& progress) {
  const auto from = plain(run), target = plain(to);
  require_name(target.filename().string());
  require_run(from);
  require_untrained(from);
  require_free(target);
  if (target.has_parent_path()) make_folder(target.parent_path());
  Unfinished part{target.parent_path() / ("." + target.filename().string() + ".copy")};
  std::vector<char> buffer(std::size_t{1} << 20);
  const auto pieces = pieces_of(from);
  double done = 0, all = 0;
  for (const auto& piece : pieces) all += static_cast<double>(piece.bytes);
  make_folder(part.folder);
  for (const auto& piece : pieces) {
    const auto source = from / piece.path, copy = part.folder / piece.path;
    make_folder(copy.parent_path());
    std::ifstream in(source, std::ios::binary);
    DurableFile out(copy);
    while (in) {
      in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
      out.write(buffer.data(), static_cast<std::size_t>(in.gcount()));
      done += static_cast<double>(in.gcount());
      if (!progress(done, all)) throw Error("the copy of " + from.string() + " was stopped; nothing is left of it");
    }
    if (!in.eof()) throw Error(source.string() + " cannot be read");
    out.commit();
  }
  require_untrained(from);  // else its files may not belong together
  require_free(target);
  move_folder(part.folder, target);
  part.folder.clear();
}

fs::path delete_run(const fs::path& run) {
  const auto from = plain(run);
  const auto lock = lock_of(from);
  const auto bin = from.parent_path() / ".deleted";
  make_folder(bin);
  const auto kept = free_folder(bin / from.filename());
  move_folder(from, kept);
  return kept;
}

void restore_run(const fs::path& kept, const fs::path& run) {
  require_run(kept);
  require_free(run);
  move_folder(kept, run);
}

}  // namespace dream
