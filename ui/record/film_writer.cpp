#include "ui/record/film_writer.h"

#include <random>
#include <utility>

#include "api/error.h"
#include "api/platform_time.h"

namespace dream::ui {

FilmWriter::FilmWriter(FilmFormat format, std::filesystem::path file, double rate, Options options)
    : format_(format), file_(std::move(file)), aside_(file_), rate_(rate), options_(std::move(options)) {
  aside_ += "." + std::to_string(std::random_device{}()) + ".part";
  thread_ = std::thread([this] { write(); });
}

FilmWriter::~FilmWriter() {
  {
    const std::lock_guard lock(mutex_);
    deadline_ = now_seconds() + options_.patience;
  }
  stop();
  thread_.join();
}

bool FilmWriter::add(FilmPicture picture) {
  const std::size_t bytes = picture.bytes();
  const std::lock_guard lock(mutex_);
  const bool taken = state_.open && static_cast<double>(waiting_bytes_ + bytes) <= options_.waiting;
  if (!taken) {
    state_.dropped += state_.open;
    return false;
  }
  waiting_bytes_ += bytes;
  waiting_.push_back(std::move(picture));
  news_.notify_one();
  return true;
}

void FilmWriter::stop() {
  end("");
}

void FilmWriter::end(const std::string& why) {
  const std::lock_guard lock(mutex_);
  state_.open = false;
  if (state_.why.empty()) state_.why = why;
  news_.notify_one();
}

FilmWriter::State FilmWriter::state() const {
  const std::lock_guard lock(mutex_);
  State now = state_;
  now.waiting = static_cast<std::int64_t>(waiting_.size());
  return now;
}

/// The next picture to write, when there is one; none at the end.
std::optional<FilmPicture> FilmWriter::next() {
  std::unique_lock lock(mutex_);
  news_.wait(lock, [&] { return !waiting_.empty() || !state_.open; });
  if (deadline_ && now_seconds() > *deadline_) {
    state_.dropped += static_cast<std::int64_t>(waiting_.size());
    waiting_.clear();
  }
  if (waiting_.empty()) return std::nullopt;
  FilmPicture picture = std::move(waiting_.front());
  waiting_.pop_front();
  waiting_bytes_ -= picture.bytes();
  return picture;
}

std::string FilmWriter::limit() const {
  const State now = state();
  if (now.bytes >= options_.bytes) return "The film has reached its greatest size.";
  if (now.seconds >= options_.seconds) return "The film has reached its greatest length.";
  std::error_code error;
  const auto space = std::filesystem::space(aside_.parent_path(), error);
  if (!error && static_cast<double>(space.available) < options_.least_free) return "The disk is nearly full.";
  return "";
}

/// Under its own name, or a free one like it where somebody has taken that meanwhile.
void FilmWriter::move_into_place() {
  std::error_code error;
  std::filesystem::path free = file_;
  for (int i = 2; std::filesystem::exists(free, error); ++i)
    free.replace_filename(file_.stem().string() + "-" + std::to_string(i) + file_.extension().string());
  std::filesystem::rename(aside_, free, error);
  const std::lock_guard lock(mutex_);
  state_.file = error ? aside_ : free;
}

void FilmWriter::write() {
  if (options_.lower_priority) options_.lower_priority();
  std::unique_ptr<FilmFile> film;
  try {
    int width = 0, height = 0;
    std::int64_t end_at = 0;
    while (std::optional<FilmPicture> picture = next()) {
      const Image rgb = compose(*picture);
      if (!film) {
        width = rgb.width, height = rgb.height;
        film = begin_film(format_, {aside_, width, height, rate_});
      }
      std::string why = limit();
      if (rgb.width != width || rgb.height != height) why = "The pictures have another size now.";
      if (!why.empty()) {
        end(why);
        break;
      }
      film->add(rgb, picture->at);
      end_at = picture->at + 1;
      const std::lock_guard lock(mutex_);
      ++state_.written;
      state_.seconds = static_cast<double>(end_at) / rate_;
      state_.bytes = static_cast<double>(film->bytes());
    }
    if (film) {
      film->finish(end_at);
      {
        const std::lock_guard lock(mutex_);
        state_.bytes = static_cast<double>(film->bytes());
      }
      film.reset();
      move_into_place();
    }
  } catch (const std::exception& refused) {
    film.reset();
    end(std::string(refused.what()) + ".");
    std::error_code error;
    if (state().written > 0 && format_ == FilmFormat::png)
      move_into_place();  // each of its pictures is whole
    else
      std::filesystem::remove_all(aside_, error);
  }
  const std::lock_guard lock(mutex_);
  waiting_.clear();
  state_.done = true;
}

}  // namespace dream::ui
