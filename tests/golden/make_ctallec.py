"""Golden data of ctallec/world-models' V, M and C from PyTorch (`pip install torch numpy`): run `python make_ctallec.py` in this folder.

ctallec/ctallec.npz holds what ctallec_models.py, in float64, makes of weights and inputs from a hash of their names
(make_diamond.py): V as published but for z, a small M and C. ctallec/mdrnn.tar and ctrl.tar are what its training scripts save of M and C
(trainmdrnn.py, traincontroller.py), whose M is an nn.LSTM; V's file would have 17 MB, and the test writes it.
"""
import pathlib

import torch
from torch import nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

import make_diamond as shared
from ctallec_models import Controller, Decoder, Encoder, MDRNNCell
from make_diamond import fill, hashed, write

shared.OUT = OUT = pathlib.Path(__file__).parent / "ctallec"
Z, A, H, K, BATCH, STEPS, FRAMES = 5, 3, 16, 4, 2, 6, 9


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(3, Z, 32), Decoder(3, Z, 32)


class Mdrnn(nn.Module):
    """As in training: the names end in _l0."""

    def __init__(self):
        super().__init__()
        self.gmm_linear, self.rnn = nn.Linear(H, (2 * Z + 1) * K + 2), nn.LSTM(A + Z, H)


@torch.no_grad()
def main():
    OUT.mkdir(exist_ok=True)
    vae, mdrnn, controller, cell = Vae(), Mdrnn(), Controller(Z, H, A), MDRNNCell(Z, A, H, K)
    for module in (vae, mdrnn, controller):
        fill(module)
    optimiser = torch.optim.RMSprop(mdrnn.parameters(), lr=1e-3, alpha=0.9)
    for p in mdrnn.parameters():
        p.grad = torch.zeros_like(p)
    optimiser.step()
    torch.save({"state_dict": mdrnn.state_dict(), "optimizer": optimiser.state_dict(), "scheduler": {"best": 1.5, "patience": 5},
                "earlystopping": {"num_bad_epochs": 0}, "precision": 1.25, "epoch": 3}, OUT / "mdrnn.tar")
    torch.save({"epoch": 2, "reward": 860.5, "state_dict": controller.state_dict()}, OUT / "ctrl.tar")
    cell.load_state_dict({name.removesuffix("_l0"): p for name, p in mdrnn.state_dict().items()})
    for module in (vae, cell, controller):
        module.double()

    frames = ((hashed("frames", (FRAMES, 3, 64, 64)) + 1) * 127.5).round().double() / 255
    mu, logsigma = vae.encoder(frames)
    out = {"mu": mu, "logsigma": logsigma, "rebuilt": vae.decoder(mu)[:3, :, ::4, ::4]}

    z, actions = hashed("z", (STEPS + 1, BATCH, Z)).double() * 2, hashed("actions", (STEPS, BATCH, A)).double() * 1.5
    said = {name: [] for name in ("mus", "sigmas", "logpi", "reward", "done", "h", "nll")}
    hidden = torch.zeros(BATCH, H).double(), torch.zeros(BATCH, H).double()
    for t in range(STEPS):
        mus, sigmas, logpi, reward, done, hidden = cell(actions[t], z[t], hidden)
        mixture = MixtureSameFamily(Categorical(logits=logpi), Independent(Normal(mus, sigmas), 1))
        for name, value in zip(said, (mus, sigmas, logpi, reward, done, hidden[0], -mixture.log_prob(z[t + 1]))):
            said[name].append(value)
    out |= {name: torch.stack(values) for name, values in said.items()}
    write("ctallec", {**out, "c": hidden[1], "action": controller(z[STEPS], hidden[0])})


main()
