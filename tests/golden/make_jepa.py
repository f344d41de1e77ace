"""What facebookresearch/eb_jepa makes of two rooms and of given embeddings, read by tests/env/two_room_test.cpp and
tests/models/jepa_golden_test.cpp.

    git clone https://github.com/facebookresearch/eb_jepa && cd eb_jepa && git checkout 966e61e
    pip install torch scipy numpy einops omegaconf pandas scikit-learn gymnasium
    PYTHONPATH=eb_jepa python tests/golden/make_jepa.py

Writes tests/golden/jepa/two_room.npz: of 40 layouts a walk of 60 steps as its dataset makes them, wall and door [40],
action [40, 60, 2], position [40, 61, 2], and the two channels of every twentieth frame, dot and walls uint8 [40, 3, 65, 65].
And loss.npz: weights of a GRU predictor and an inverse model, embeddings [T, B, D], actions [T - 1, B, 2], and its losses.
"""

import pathlib

import numpy as np
import torch
from eb_jepa.architectures import InverseDynamicsModel, RNNPredictor
from eb_jepa.datasets.two_rooms.wall_dataset import WallDataset, WallDatasetConfig
from eb_jepa.jepa import JEPA
from eb_jepa.losses import SquareLossSeq, VC_IDM_Sim_Regularizer, VICRegLoss, epps_pulley

OUT = pathlib.Path(__file__).parent / "jepa"
LAYOUTS, STEPS, MOST = 40, 60, 2.45


def walks():
    rng = np.random.default_rng(1)
    out = {name: [] for name in ("wall", "door", "action", "position", "dot", "walls")}
    for _ in range(LAYOUTS):
        wall, door = int(rng.integers(20, 45)), int(rng.integers(10, 55))
        config = WallDatasetConfig(n_steps=STEPS + 2, sample_length=STEPS + 1, img_size=65, normalize=False, device="cpu",
                                   fix_wall=True, fix_wall_location=wall, fix_door_location=door)
        data = WallDataset(config)
        # From near the door, so that its edges are met.
        start = torch.tensor([[wall + rng.uniform(4, 9) * rng.choice([-1, 1]), np.clip(door + rng.uniform(-9, 9), 6, 58)]])
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.5, STEPS + 1))
        length = rng.uniform(0.1, MOST, STEPS + 1)
        action = torch.tensor(np.stack([np.cos(heading), np.sin(heading)], -1) * length[:, None])
        # float32, as actions come; the sums are made in float64.
        action = action.float().double().unsqueeze(0)
        walls = (torch.tensor([wall]), torch.tensor([door]))
        sample = data.generate_transitions(start.double(), action, None, walls)
        out["wall"].append(wall), out["door"].append(door)
        out["action"].append(action[0, :STEPS].float().numpy())
        out["position"].append(sample.locations[0].T.numpy())
        frames = sample.states[0][:, ::20][:, :3].to(torch.uint8).numpy()  # [2, 3, 65, 65]
        out["dot"].append(frames[0]), out["walls"].append(frames[1])
    np.savez_compressed(OUT / "two_room.npz", **{name: np.array(values) for name, values in out.items()})


class Given(torch.nn.Module):
    """An encoder whose embeddings are its input: [B, D, T, 1, 1]."""

    def forward(self, x):
        return x


def losses():
    torch.manual_seed(3)
    steps, lanes, size = 5, 12, 16
    predictor = RNNPredictor(hidden_size=size, final_ln=torch.nn.LayerNorm(size))
    with torch.no_grad():
        predictor.final_ln.weight.uniform_(0.5, 1.5), predictor.final_ln.bias.uniform_(-0.2, 0.2)
    inverse = InverseDynamicsModel(state_dim=size, hidden_dim=24, action_dim=2)
    weights = dict(cov_coeff=8, std_coeff=16, sim_coeff_t=12, idm_coeff=1)
    regulariser = VC_IDM_Sim_Regularizer(**weights, idm=inverse, first_t_only=False)
    jepa = JEPA(Given(), torch.nn.Identity(), predictor, regulariser, SquareLossSeq())
    z = torch.randn(steps, lanes, size) * 0.6
    action = torch.rand(steps - 1, lanes, 2) * 2 - 1
    # Its dataset gives one action more than there are steps between frames.
    actions = torch.cat([action, torch.zeros(1, lanes, 2)]).permute(1, 2, 0)
    _, (total, _, _, terms, prediction) = jepa.unroll(z.permute(1, 2, 0)[..., None, None], actions, nsteps=steps - 1,
                                                      unroll_mode="autoregressive", compute_loss=True)
    directions = torch.nn.functional.normalize(torch.randn(size, 32), dim=0)
    rows = z.flatten(0, 1)
    constant = VICRegLoss()(torch.ones(8, size), torch.ones(8, size))
    out = dict(z=z, action=action, directions=directions, total=total, prediction=prediction,
               sigreg=epps_pulley(rows @ directions).mean(),
               sigreg_constant=epps_pulley(torch.zeros(100, 4)).mean(),
               constant_variance=constant["var_loss"], constant_covariance=constant["cov_loss"],
               constant_invariance=constant["invariance_loss"])
    out |= {name: torch.tensor(terms[key]) for name, key in
            (("variance", "std_loss"), ("covariance", "cov_loss"), ("smoothness", "sim_loss_t"), ("inverse", "idm_loss"))}
    for name, tensor in predictor.state_dict().items():
        out["predictor/" + name] = tensor
    for name, tensor in inverse.state_dict().items():
        out["inverse_model/" + name] = tensor
    np.savez_compressed(OUT / "loss.npz", **{name: value.detach().numpy() for name, value in out.items()})


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    walks()
    losses()
