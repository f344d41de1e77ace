#pragma once
#include "core/models/mdn_rnn.h"
#include "core/models/vae.h"
#include "core/models/world_model.h"

namespace dream {

/// V and M of "World Models" as one world model. A step of the paper: z_t ~ q(z | frame_t), the controller acts on
/// [z_t, h_t], then h_{t+1} = LSTM([z_t, a_t], h_t). The carry holds z, h, c [B, ·] and `started` [B, 1]: h_0 = 0, so
/// the first observation of a lane does not step the LSTM. With restarts also `first` [B, 1]: z is an episode's first. After observe() it also holds the encoder's mean and
/// log_variance, after imagine() the component drawn per dimension and the temperatures.
class VmcModel : public WorldModel {
 public:
  /// What a controller sees is [z, h], and [z, c, h] with `cell_is_seen` (Doom's). With ctallec's V z is the encoder's mean, as where
  /// its controller drives (utils/misc.py), and nothing is drawn.
  explicit VmcModel(const MdnRnnOptions& options, bool cell_is_seen = false, VaeKind v = VaeKind::published);

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override;
  std::vector<Knob> knobs() const override;
  torch::Tensor surprise(const Carry& seen) override;  // −log p(z | h) of the encoder's mean, summed over z
  Belief belief(const Carry& carry) override;
  Carry with_latent(const Carry& memory, const Carry& latent) override;  // h and c of the one, z of the other
  torch::Tensor features(const Carry& carry) override;
  std::int64_t feature_count() const override;
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

  Vae& v() { return v_; }
  MdnRnn& m() { return m_; }

 private:
  LstmState stepped(const Carry& carry, const torch::Tensor& action);

  Vae v_;
  MdnRnn m_;
  bool cell_is_seen_;
};

}  // namespace dream
