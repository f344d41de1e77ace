#include "core/live/data_browser.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/base/durable_file.h"
#include "core/data/held_out_label.h"
#include "core/data/minari.h"
#include "core/env/env.h"
#include "core/live/live_work.h"

namespace dream {
namespace {

constexpr int thumbnail_side = 48;
constexpr std::size_t most_thumbnails = 4096;      // 28 MB
constexpr std::size_t most_frame_bytes = 256 << 20;  // of the episode that is looked at
constexpr double tell_seconds = 0.3;
constexpr const char* reading = "reads the episodes";

/// So wide that no side is longer than a thumbnail's may be, nor than the picture's own.
int thumbnail_width(const Spaces& spaces) {
  const int longer = std::max({spaces.image_height, spaces.image_width, 1});
  return std::max(1, spaces.image_width * std::min(longer, thumbnail_side) / longer);
}

DataSpread in_short(const Spread& s) {
  return {s.name, s.low, s.high, s.mean, s.deviation};
}

template <typename Of>
DataSpread spread_of(const std::string& name, const std::vector<EpisodeLook>& episodes, Of of) {
  DataSpread s;
  s.name = name;
  if (episodes.empty()) return s;
  const auto count = static_cast<double>(episodes.size());
  s.low = s.high = of(episodes[0]);
  for (const auto& e : episodes) s.low = std::min(s.low, of(e)), s.high = std::max(s.high, of(e)), s.mean += of(e) / count;
  for (const auto& e : episodes) s.deviation += (of(e) - s.mean) * (of(e) - s.mean) / count;
  s.deviation = std::sqrt(s.deviation);
  return s;
}

/// Every so many frames of what would take too much memory, the first among them.
std::int64_t thin_out(Episode& e) {
  const auto bytes = e.frame_bytes(), moments = e.length() + 1;
  const auto stride = (e.frames.size() + most_frame_bytes - 1) / most_frame_bytes;
  if (stride <= 1) return 1;
  for (std::size_t t = 0; t < moments; t += stride)
    std::copy_n(e.frames.begin() + static_cast<std::ptrdiff_t>(t * bytes), bytes, e.frames.begin() + static_cast<std::ptrdiff_t>(t / stride * bytes));
  e.frames.resize(((moments - 1) / stride + 1) * bytes);
  e.frames.shrink_to_fit();
  return static_cast<std::int64_t>(stride);
}

std::shared_ptr<const DataEpisodeView> view_of(const std::string& name, Episode e) {
  auto view = std::make_shared<DataEpisodeView>();
  view->name = name, view->steps = static_cast<std::int64_t>(e.length());
  if (!e.frames.empty()) {
    view->width = e.width, view->height = e.height, view->channels = e.channels;
    view->stride = thin_out(e);
    view->frames = std::make_shared<const std::vector<std::uint8_t>>(std::move(e.frames));
  }
  if (!e.vectors.empty()) view->vectors = std::make_shared<const std::vector<float>>(std::move(e.vectors));
  view->rewards.assign(e.rewards.begin(), e.rewards.end());
  if (const auto cost = e.extra.find(cost_column); cost != e.extra.end()) view->costs.assign(cost->second.values.begin(), cost->second.values.end());
  view->actions = std::move(e.actions);
  return view;
}

}  // namespace

DataBrowser::DataBrowser(std::filesystem::path runs, std::function<bool()> stopped,
                         std::function<void(std::shared_ptr<const DataView>)> tell, std::function<void(const std::string&, bool)> say)
    : runs_(std::move(runs)), stopped_(std::move(stopped)), tell_(std::move(tell)), say_(std::move(say)) {}

void DataBrowser::publish() {
  tell_(std::make_shared<const DataView>(view_));
  told_ = now_seconds();
}

void DataBrowser::attempt(const std::function<void()>& work) {
  view_.wrong.clear();
  try {
    work();
  } catch (const std::exception& error) {
    view_.wrong = in_words(error);
    say_(view_.wrong, true);
  }
  view_.doing = reads() ? reading : "";
  publish();
}

void DataBrowser::open(const std::string& path) {
  attempt([&] {
    view_.doing = "opens " + path, view_.progress = 0;
    publish();
    begin(path);
  });
}

void DataBrowser::begin(const std::string& path) {
  std::optional<Dataset> dataset;
  if (!path.empty()) dataset.emplace(path, Damage::skip);
  // From here on nothing of what was open before is left.
  auto known = std::move(view_.known);
  const auto revision = view_.revision + 1;
  view_ = {};
  view_.known = std::move(known), view_.revision = revision;
  dataset_ = std::move(dataset);
  episodes_.clear(), looker_.reset(), shrink_.reset(), next_ = 0;
  if (!dataset_) return;
  const auto& info = dataset_->info();
  view_.path = path, view_.environment = info.environment, view_.policy = info.policy, view_.spaces = info.spaces;
  view_.own = dataset_->appendable(), view_.fixed = why_fixed(*dataset_, path);
  view_.costs = info.spaces.costs;
  view_.steps = dataset_->steps();
  view_.left_out = dataset_->left_out(), view_.damaged = dataset_->skipped();
  const auto folder = (minari::dataset_folder(path) / "").lexically_normal().parent_path();
  view_.free_folder = free_folder(folder.parent_path() / (folder.stem().string() + "-part")).string();
  episodes_.resize(count());
  for (std::size_t i = 0; i < count(); ++i) episodes_[i].name = dataset_->name(i);
  looker_ = std::make_unique<DatasetLooker>(info);
  if (info.spaces.image_bytes() > 0) shrink_ = std::make_unique<Shrinker>(info.spaces, thumbnail_width(info.spaces));
  const auto last = std::ranges::find(edits_.rbegin(), edits_.rend(), minari::dataset_folder(path), &DatasetEdit::dataset);
  if (last != edits_.rend()) view_.done = last->said;
  label();
}

/// Who is held out, by the dataset's file.
void DataBrowser::label() {
  std::set<std::string> held_out;
  try {
    held_out = held_out_of(view_.path);
  } catch (const Error& error) {
    view_.damaged.emplace_back(error.what());
  }
  view_.held_out = 0;
  for (auto& each : episodes_) view_.held_out += each.held_out = held_out.contains(each.name);
  view_.episodes = std::make_shared<const std::vector<DataEpisode>>(episodes_);
}

void DataBrowser::read_next() {
  auto& one = episodes_[next_];
  try {
    const auto episode = dataset_->read(next_);
    const auto& look = looker_->add(one.name, next_, episode);
    one.steps = static_cast<std::int64_t>(look.steps), one.reward = look.reward, one.cost = look.cost;
    one.end = look.terminated ? "terminated" : look.truncated ? "truncated" : "";
    one.still = static_cast<std::int64_t>(look.still), one.twin = look.twin;
    if (episode.extra.contains(cost_column)) view_.costs = true;
    if (shrink_ && next_ < most_thumbnails)
      one.thumbnail = std::make_shared<const Image>(Image{shrink_->width(), shrink_->height(), 3, (*shrink_)(episode, episode.length() / 2)});
    one.read = true;
  } catch (const std::exception& error) {
    one.damage = in_words(error);
    view_.damaged.push_back(one.damage);
  }
  ++next_;
  view_.progress = static_cast<double>(next_) / static_cast<double>(count());
  if (!reads()) view_.doing.clear();
  if (reads() && now_seconds() - told_ < std::max(tell_seconds, 10 * cost_)) return;  // the more there is, the seldomer
  const double began = now_seconds();
  sum_up();
  publish();
  cost_ = now_seconds() - began;
}

void DataBrowser::sum_up() {
  const auto look = looker_->look();
  view_.read = static_cast<std::int64_t>(next_);
  view_.reward = in_short(look.reward);
  view_.returns = spread_of("return", look.episodes, [](const EpisodeLook& e) { return e.reward; });
  view_.lengths = spread_of("steps", look.episodes, [](const EpisodeLook& e) { return static_cast<double>(e.steps); });
  view_.vector.clear(), view_.actions.clear();
  for (const auto& each : look.vector) view_.vector.push_back(in_short(each));
  if (!look.choices.empty()) view_.actions.push_back({"action", view_.spaces.action.choices, 0, 0, look.choices});
  for (std::size_t k = 0; k < look.actions.size(); ++k)
    view_.actions.push_back({look.actions[k].name, {}, look.actions[k].low, look.actions[k].high, look.parts[k]});
  view_.coverage = look.coverage;
  view_.episodes = std::make_shared<const std::vector<DataEpisode>>(episodes_);
}

void DataBrowser::stop() {
  if (!reads()) return;
  next_ = count();
  view_.doing.clear();
  publish();
}

void DataBrowser::look(const std::string& name) {
  const auto found = std::ranges::find(episodes_, name, &DataEpisode::name);
  if (found == episodes_.end()) {
    view_.episode.reset();
    return publish();
  }
  try {
    view_.episode = view_of(name, dataset_->read(static_cast<std::size_t>(found - episodes_.begin())));
  } catch (const std::exception& error) {
    auto view = std::make_shared<DataEpisodeView>();
    view->name = name, view->wrong = in_words(error);
    view_.episode = std::move(view);
  }
  publish();
}

void DataBrowser::edit(const EditData& command) {
  attempt([&] {
    if (!dataset_) throw Error("no dataset is open");
    if (command.revision != view_.revision) throw Error(view_.path + " has been opened anew meanwhile: nothing was done");
    carry_out(command);
  });
}

void DataBrowser::carry_out(const EditData& command) {
  using Do = EditData::Do;
  const auto path = view_.path;
  const EpisodeNames names(command.episodes.begin(), command.episodes.end());
  double told = 0;
  const auto progress = [&](double share) {
    if (now_seconds() - told > 0.1) {
      told = now_seconds(), view_.progress = share;
      publish();
    }
    return !stopped_();
  };
  const auto doing = [&](const std::string& what) {
    view_.doing = what, view_.progress = 0;
    publish();
  };
  const bool labels = command.what == Do::hold_out || command.what == Do::let_in;
  if (labels) {
    edits_.push_back(hold_out(path, names, command.what == Do::hold_out));
  } else if (command.what == Do::remove) {
    doing("deletes episodes");
    edits_.push_back(delete_episodes(path, names, progress));
  } else if (command.what == Do::split) {
    doing("splits the dataset");
    edits_.push_back(split_dataset(path, names, command.path, progress));
  } else if (command.what == Do::merge) {
    doing("adds the episodes of " + command.path);
    edits_.push_back(merge_datasets(path, command.path, progress));
  } else {
    const auto last = std::ranges::find(edits_.rbegin(), edits_.rend(), minari::dataset_folder(path), &DatasetEdit::dataset);
    if (last == edits_.rend()) throw Error("nothing has been done to " + path + " that could be undone");
    take_back(*last);
    say_(path + ": undone: " + last->said, false);
    const bool labelled = last->labels.has_value();
    edits_.erase(std::next(last).base());
    if (!labelled) return begin(path);
    const auto before = std::ranges::find(edits_.rbegin(), edits_.rend(), minari::dataset_folder(path), &DatasetEdit::dataset);
    view_.done = before == edits_.rend() ? "" : before->said;
    return label();
  }
  say_(path + ": " + edits_.back().said, false);
  view_.done = edits_.back().said;
  if (labels) return label();
  find();
  begin(path);
}

void DataBrowser::find() {
  std::set<std::string> found;
  std::error_code ignored;
  const auto among = [&](const std::filesystem::path& folder) {
    for (std::filesystem::directory_iterator entry(folder, ignored), end; !ignored && entry != end; entry.increment(ignored)) {
      if (!entry->path().filename().string().starts_with('.') && is_dataset(entry->path())) found.insert(entry->path().string());
    }
  };
  for (std::filesystem::directory_iterator run(runs_, ignored), end; !ignored && run != end; run.increment(ignored)) {
    std::error_code none;
    if (std::filesystem::is_directory(run->path() / "data", none)) among(run->path() / "data");
  }
  among(runs_.parent_path() / "data");
  std::vector<std::string> known(found.begin(), found.end());
  if (known == view_.known) return;
  view_.known = std::move(known);
  publish();
}

}  // namespace dream
