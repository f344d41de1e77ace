#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/command.h"
#include "api/data.h"
#include "core/data/dataset_edit.h"
#include "core/data/dataset_look.h"

namespace dream {

/// One dataset that is looked through and edited. Its episodes are read one by one, so that whoever owns it has time for
/// orders between them. One thread owns it. What goes wrong is a sentence in its view.
class DataBrowser {
 public:
  /// `runs`: datasets lie in folders of these and in `data` beside them. `stopped` is asked within long work and ends it. `tell`
  /// gets every new view, `say` a line for the log.
  DataBrowser(std::filesystem::path runs, std::function<bool()> stopped,
              std::function<void(std::shared_ptr<const DataView>)> tell, std::function<void(const std::string&, bool wrong)> say);

  void open(const std::string& path);  // "": none
  void look(const std::string& episode);
  void edit(const EditData& command);
  void stop();  // reading no further

  bool reads() const { return next_ < count(); }
  void read_next();
  void find();  // datasets that can be opened

 private:
  void attempt(const std::function<void()>& work);
  void begin(const std::string& path);
  void carry_out(const EditData& command);
  void label();
  void sum_up();
  void publish();
  std::size_t count() const { return dataset_ ? dataset_->episodes() : 0; }

  std::filesystem::path runs_;
  std::function<bool()> stopped_;
  std::function<void(std::shared_ptr<const DataView>)> tell_;
  std::function<void(const std::string&, bool)> say_;
  DataView view_;
  std::optional<Dataset> dataset_;
  std::vector<DataEpisode> episodes_;
  std::unique_ptr<DatasetLooker> looker_;
  std::unique_ptr<Shrinker> shrink_;
  std::size_t next_ = 0;       // to be read
  double told_ = 0, cost_ = 0;  // when a view was made last; seconds that it took
  std::vector<DatasetEdit> edits_;
};

}  // namespace dream
