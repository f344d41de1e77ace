"""The recurrent cells of PlaNet and of Dreamer V1, V2, V3: h, z, a -> h'."""
import torch
from torch import nn

from image_coder import BlockLinear
from run_file import ACTIVATIONS


class Cell(nn.Module):
    """h, z, a -> h'."""

    def __init__(self, run):
        super().__init__()
        self.kind, act, eps = run["world.cell"], run["world.act"], run["world.eps"]
        name = "model/cell."
        if self.kind == "block_gru":  # V3: block-diagonal, inputs each through a layer of their own
            self.from_h, self.from_z, self.from_a = (run.dense(name + "from_" + x, act, eps) for x in "hza")
            self.dynamics, self.gates = BlockLinear(run, name + "dynamics"), BlockLinear(run, name + "gates")
            self.norm, self.act = run.norm(name + "dynamics_norm", eps) or nn.Identity(), ACTIVATIONS[act]()
            return
        self.inner = run.dense(name + "in", act, eps)
        if self.kind == "gru":  # V1: Keras' GRUCell with reset_after, which is PyTorch's
            w = {part: run.weights[f"{name}gru.{part}"] for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
            self.gru = nn.GRUCell(w["weight_ih"].shape[1], w["weight_hh"].shape[1])
            self.gru.load_state_dict(w)
            return
        self.gates = run.linear(name + "gates")
        if self.kind == "gru_block":  # PlaNet: TensorFlow's GRUBlockCell
            self.candidate = run.linear(name + "candidate")
        else:  # V2, V3 of 2023: one layer norm over all three gates
            self.norm = run.norm(name + "gate_norm", eps)

    def forward(self, h, z, a):
        if self.kind == "block_gru":
            blocks = self.dynamics.weight.shape[0]
            a = a / a.abs().clamp_min(1)
            inputs = torch.cat([self.from_h(h), self.from_z(z), self.from_a(a)], 1)[:, None].expand(-1, blocks, -1)
            h = h.unflatten(1, (blocks, -1))  # [B, G, D/G]
            y = self.act(self.norm(self.dynamics(torch.cat([h, inputs], 2)).flatten(1)))
            reset, candidate, update = self.gates(y.unflatten(1, (blocks, -1))).chunk(3, 2)
            candidate, update = torch.tanh(torch.sigmoid(reset) * candidate), torch.sigmoid(update - 1)
            return (h + update * (candidate - h)).flatten(1)
        x = self.inner(torch.cat([z, a], 1))
        if self.kind == "gru":
            return self.gru(x, h)
        if self.kind == "gru_block":
            reset, update = torch.sigmoid(self.gates(torch.cat([x, h], 1))).chunk(2, 1)
            return update * h + (1 - update) * torch.tanh(self.candidate(torch.cat([x, reset * h], 1)))
        reset, candidate, update = self.norm(self.gates(torch.cat([x, h], 1))).chunk(3, 1)
        candidate, update = torch.tanh(torch.sigmoid(reset) * candidate), torch.sigmoid(update - 1)
        return h + update * (candidate - h)
