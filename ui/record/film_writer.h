#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "ui/record/film_file.h"
#include "ui/record/film_picture.h"

namespace dream::ui {

/// Writes a film by a thread of its own: whoever hands pictures over never waits. Until the film is whole it has
/// another name.
class FilmWriter {
 public:
  struct Options {
    double bytes = 1e9, seconds = 3600;         // of the film, which then ends
    double waiting = 128e6;                     // bytes of pictures that wait; what comes beyond is dropped
    double least_free = 100e6;                  // bytes left on the disk, below which the film ends
    std::function<void()> lower_priority = {};  // of the thread that calls it
    double patience = 5;                        // seconds that the destructor gives to what still waits
  };
  struct State {
    bool open = true, done = false;  // takes pictures; nothing more will be written
    std::int64_t written = 0, dropped = 0, waiting = 0;
    double seconds = 0, bytes = 0;  // of what is written
    std::string why;                // it ended by itself: a sentence; empty = it did not
    std::filesystem::path file;     // where it is, when it is done; empty = nothing was kept
  };

  /// `rate`: ticks per second of FilmPicture::at. Nothing is written before the first picture comes.
  FilmWriter(FilmFormat format, std::filesystem::path file, double rate, Options options);
  FilmWriter(FilmFormat format, std::filesystem::path file, double rate)
      : FilmWriter(format, std::move(file), rate, Options()) {}
  ~FilmWriter();  // ends the film properly
  FilmWriter(const FilmWriter&) = delete;
  FilmWriter& operator=(const FilmWriter&) = delete;

  /// False when it is dropped: too many wait, or the film has ended.
  bool add(FilmPicture picture);
  void stop();  // no more pictures come; what waits is written
  State state() const;

 private:
  void write();
  std::optional<FilmPicture> next();
  void end(const std::string& why);  // takes no more pictures
  std::string limit() const;         // that is reached, as a sentence; empty = none
  void move_into_place();

  const FilmFormat format_;
  const std::filesystem::path file_;
  std::filesystem::path aside_;
  const double rate_;
  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable news_;
  std::deque<FilmPicture> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::optional<double> deadline_;  // now_seconds() from which on what waits is dropped
  State state_;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace dream::ui
