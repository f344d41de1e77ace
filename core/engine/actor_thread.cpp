#include "core/engine/actor_thread.h"

#include <algorithm>
#include <chrono>

#include "core/base/platform.h"

namespace dream {

// What is known of the run stands from the first moment, long before the thread has opened its dataset: a run that is
// saved until then goes on where it was.
ActorThread::ActorThread(std::shared_ptr<System> system, Experience::Options options, const Experience::Counters& begun,
                         std::int64_t most_steps)
    : system_(std::move(system)),
      options_(std::move(options)),
      weights_(std::make_shared<Weights>()),
      faults_(std::make_shared<EnvLanes::Faults>()),
      most_steps_(most_steps),
      steps_(begun.steps),
      taken_(begun.ended),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

ActorThread::~ActorThread() = default;

void ActorThread::run(const std::stop_token& stop) {
  try {
    name_thread("actor");
    lower_thread_priority();
    torch::get_num_threads();  // before the number is set, see LiveEngine
    torch::set_num_threads(1);
    Experience experience(options_, *system_, [this](Episode piece) { lived_.push(std::move(piece)); });
    experience.set_steps(steps_);
    while (!stop.stop_requested()) {
      if (experience.steps() >= most_steps_) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        continue;
      }
      if (const auto newest = weights_.get(); newest->version > acting_with_) {
        system_->load_weights(*newest->values);
        for (const auto& field : newest->settings) {
          if (field.live) system_->config.set(field.key, field.value);
        }
        system_->follow_settings();
        acting_with_ = newest->version;
      }
      experience.step();
      steps_ = experience.steps();
      if (const auto& faults = experience.lanes().envs().faults(); faults.count > faults_.get()->count)
        faults_.put(std::make_shared<const EnvLanes::Faults>(faults));
    }
  } catch (...) {
    failure_ = std::current_exception();
    failed_ = true;
  }
}

void ActorThread::put_weights(std::shared_ptr<const Checkpoint> weights, std::vector<Field> settings,
                              std::int64_t version) {
  weights_.put(std::make_shared<const Weights>(Weights{std::move(weights), std::move(settings), version}));
}

ActorThread::News ActorThread::take() {
  if (failed_) std::rethrow_exception(failure_);
  News news{lived_.take(), steps_, acting_with_, *faults_.get()};
  taken_ += std::ranges::count_if(news.pieces, &Episode::ended);
  return news;
}

void ActorThread::save(Checkpoint& into, const std::string& prefix) const {
  into.tensors[prefix + "counters"] = torch::tensor({steps_.load(), taken_, taken_}, torch::kInt64);
}

}  // namespace dream
