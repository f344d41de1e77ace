#!/usr/bin/env python3
"""Writes the TorchScript files that script_*_test.cpp opens, and what they say in Python.

    python make_script_models.py script

The two wrappers are the blocks of docs/bring-your-own-model.md, run as they stand there, around small networks with the layer
names and the arithmetic of github.com/ctallec/world-models and github.com/NM512/dreamerv3-torch (written anew, weights seeded
noise). Beside each NAME.pt, NAME.safetensors has every output of a fixed course: pictures and actions by formula, chance from
generators seeded 1, 2, …; frames are recorded at every eighth pixel. wrappers.txt has the SHA-256 of both blocks, so that a test
finds out when the document has moved on. The other files each break one rule of the contract.
"""
import hashlib
import pathlib
import re
import sys
import types
import warnings
import zipfile

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from ctallec_models import Controller, Decoder, Encoder, MDRNNCell

warnings.filterwarnings("ignore")
OUT = pathlib.Path(sys.argv[1])
DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "bring-your-own-model.md"
BATCH, STEPS = 2, 3


# NM512/dreamerv3-torch: networks.py, models.py
class ConvSame(nn.Conv2d):  # stride 2, kernel 4: TensorFlow's "same" is one row and column on either side
    def forward(self, x):
        return F.conv2d(F.pad(x, [1, 1, 1, 1]), self.weight, self.bias, self.stride)


class ChannelNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=1e-3)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvEncoder(nn.Module):
    def __init__(self, depth):
        super().__init__()
        sizes = [3] + [depth * 2**i for i in range(4)]
        layers = []
        for i in range(4):
            layers += [ConvSame(sizes[i], sizes[i + 1], 4, 2, bias=False), ChannelNorm(sizes[i + 1]), nn.SiLU()]
        self.layers, self.outdim = nn.Sequential(*layers), 16 * sizes[4]


class ConvDecoder(nn.Module):
    def __init__(self, features, depth):
        super().__init__()
        sizes = [8 * depth, 4 * depth, 2 * depth, depth, 3]
        self._linear_layer = nn.Linear(features, 16 * sizes[0])
        layers = []
        for i in range(4):
            last = i == 3
            layers.append(nn.ConvTranspose2d(sizes[i], sizes[i + 1], 4, 2, padding=1, bias=last))
            layers += [] if last else [ChannelNorm(sizes[i + 1]), nn.SiLU()]
        self.layers, self._first = nn.Sequential(*layers), sizes[0]

    def forward(self, features):  # [B, T, F] -> [B, T, H, W, C]
        x = self._linear_layer(features).reshape([-1, 4, 4, self._first]).permute(0, 3, 1, 2)
        x = self.layers(x).reshape(features.shape[:-1] + (3, 64, 64)).permute(0, 1, 3, 4, 2)
        return x + 0.5


class MLP(nn.Module):
    def __init__(self, inputs, out, units):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, units, bias=False), nn.LayerNorm(units, eps=1e-3), nn.SiLU())
        self.mean_layer = nn.Linear(units, out)


class GRUCell(nn.Module):
    def __init__(self, inputs, size):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs + size, 3 * size, bias=False), nn.LayerNorm(3 * size, eps=1e-3))


class RSSM(nn.Module):
    def __init__(self, stoch, classes, deter, hidden, actions, embed):
        super().__init__()
        self._stoch, self._discrete, self._deter, self._unimix_ratio = stoch, classes, deter, 0.01
        dense = lambda size: nn.Sequential(nn.Linear(size, hidden, bias=False), nn.LayerNorm(hidden, eps=1e-3), nn.SiLU())
        self._img_in_layers, self._img_out_layers = dense(stoch * classes + actions), dense(deter)
        self._obs_out_layers, self._cell = dense(deter + embed), GRUCell(hidden, deter)
        self._imgs_stat_layer, self._obs_stat_layer = nn.Linear(hidden, stoch * classes), nn.Linear(hidden, stoch * classes)
        self.W = nn.Parameter(torch.zeros(1, deter))

    def initial(self, batch):
        deter = torch.tanh(self.W).repeat(batch, 1)
        logit = self._imgs_stat_layer(self._img_out_layers(deter)).reshape(batch, self._stoch, self._discrete)
        stoch = F.one_hot(logit.argmax(-1), self._discrete).float()
        return {"logit": torch.zeros_like(logit), "stoch": stoch, "deter": deter}


def wrapper(name):
    block = re.search(rf"```python {name}\n(.*?)```\n", DOCUMENT.read_text(), re.S).group(1)
    module = types.ModuleType(name)
    file = OUT / f"{name}.py"
    file.write_text(block)  # TorchScript reads a class's source from its file
    module.__file__ = str(file)
    sys.modules[name] = module
    exec(compile(block, str(file), "exec"), module.__dict__)
    return module.Wrapped, hashlib.sha256(block.encode()).hexdigest()


def noise(module, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in module.parameters():
            fan = p[0].numel() if p.dim() > 1 else 4
            p.copy_(torch.randn(p.shape, generator=generator) / fan**0.5)
    return module.requires_grad_(False).eval()


def picture(t):
    """uint8 [B, H, W, C], as the test makes it."""
    b, h, w, c = torch.meshgrid(*(torch.arange(n) for n in (BATCH, 64, 64, 3)), indexing="ij")
    return ((h * 7 + w * 3 + c * 50 + t * 11 + b * 17) % 256).to(torch.uint8)


def action(t, size):
    b, a = torch.meshgrid(torch.arange(BATCH), torch.arange(size), indexing="ij")
    return ((b + 2 * a + 3 * t) % 5).float() / 5


def save(module, name):
    """Without what debuggers read, which names the folders of whoever made it."""
    module.save(OUT / f"{name}.pt")
    with zipfile.ZipFile(OUT / f"{name}.pt") as archive:
        parts = {item.filename: archive.read(item) for item in archive.infolist() if not item.filename.endswith(".debug_pkl")}
    with zipfile.ZipFile(OUT / f"{name}.pt", "w") as archive:
        for part, data in parts.items():
            archive.writestr(zipfile.ZipInfo(part), data)


def record(name, module, actions):
    save(module, name)
    module = torch.jit.load(OUT / f"{name}.pt")
    out = {}

    def put(where, values):
        for key, value in values.items():
            out[f"{where}/{key}"] = (value[:, :, ::8, ::8] if key == "frame" else value).contiguous().clone()

    def offered(method, **all):
        names = [a.name for a in getattr(module, method).schema.arguments]
        return {k: v for k, v in all.items() if k in names}

    carry = module.initial(BATCH)
    for t in range(STEPS):
        first = torch.full((BATCH,), float(t == 0))
        did = action(t, actions) * (t > 0)
        generator = torch.Generator().manual_seed(t + 1)
        seen = dict(action=did, image=(picture(t).permute(0, 3, 1, 2) / 255).contiguous(), first=first, generator=generator)
        carry = module.observe(carry, **offered("observe", **seen))
        put(f"observe{t}", carry)
    put("seen", module.decode(carry))
    put("act", {"action": module.act(carry)})
    for t in range(STEPS):
        generator = torch.Generator().manual_seed(t + 11)
        dreamt = dict(action=action(t + 5, actions), generator=generator, knobs={"temperature": 1.0})
        carry = module.imagine(carry, **offered("imagine", **dreamt))
        put(f"imagine{t}", carry)
    put("dreamt", module.decode(carry))
    save_file(out, OUT / f"{name}.safetensors")


# What breaks the contract, each in one way.
def tiny(name, **change):
    """A state of three numbers in Catch or Pendulum; `change` replaces a method's lines."""
    lines = {
        "begin": 'self.environment = "Pendulum"',
        "initial": 'return {"h": torch.zeros(batch, 3)}',
        "observe": 'return {"h": carry["h"] * 0.5 + vector}',
        "imagine": 'return {"h": carry["h"] * 0.9 + action + 0.1 * torch.randn(carry["h"].shape, generator=generator)}',
        "decode": 'return {"reward": -carry["h"].pow(2).sum(1), "done": torch.zeros(carry["h"].size(0))}',
        "probes": 'return {"norm": carry["h"].pow(2).sum(1), "row": carry["h"] * 2, "map": carry["h"][:, :, None] * carry["h"][:, None, :]}',
        "act": 'return -carry["h"][:, :1]', "belief": "missing", **change}
    source = f'''
import torch
State = dict[str, torch.Tensor]
class Tiny(torch.nn.Module):
    def __init__(self):
        super().__init__()
        {lines["begin"]}
        self.weight = torch.nn.Parameter(torch.ones(3))
    def initial(self, batch: int) -> State:
        {lines["initial"]}
    def observe(self, carry: State, vector: torch.Tensor) -> State:
        {lines["observe"]}
    def imagine(self, carry: State, action: torch.Tensor, generator: torch.Generator) -> State:
        {lines["imagine"]}
    def decode(self, carry: State) -> State:
        {lines["decode"]}
    def probes(self, carry: State) -> State:
        {lines["probes"]}
    def act(self, carry: State) -> torch.Tensor:
        {lines["act"]}
    def belief(self, carry: State) -> State:
        {lines["belief"]}
'''
    file = OUT / f"tiny_{name}.py"
    file.write_text(source)
    module = types.ModuleType(f"tiny_{name}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module
    exec(compile(source, str(file), "exec"), module.__dict__)
    for method in ("initial", "observe", "imagine", "decode", "probes", "act", "belief"):
        if lines[method] != "missing":
            torch.jit.export(getattr(module.Tiny, method))
        else:
            delattr(module.Tiny, method)
    save(torch.jit.script(module.Tiny()), name)
    file.unlink()


torch.manual_seed(0)
torch.set_num_threads(1)
hashes = []
Wrapped, digest = wrapper("wrap_ctallec")
hashes.append(f"wrap_ctallec {digest}\n")
vae = types.SimpleNamespace(encoder=noise(Encoder(3, 4, 2), 1), decoder=noise(Decoder(3, 4, 2), 2))
record("ctallec", torch.jit.script(Wrapped(vae, noise(MDRNNCell(4, 3, 8, 5), 3), noise(Controller(4, 8, 3), 4)).eval()), 3)
Wrapped, digest = wrapper("wrap_dreamerv3_torch")
hashes.append(f"wrap_dreamerv3_torch {digest}\n")
stoch, classes, deter, features = 4, 4, 8, 24
world = types.SimpleNamespace(
    encoder=types.SimpleNamespace(_cnn=noise(ConvEncoder(2), 5)),
    heads={"decoder": types.SimpleNamespace(_cnn=noise(ConvDecoder(features, 2), 6)), "reward": noise(MLP(features, 255, 8), 7),
           "cont": noise(MLP(features, 1, 8), 8)},
    dynamics=noise(RSSM(stoch, classes, deter, 8, 1, 16 * 16), 9))
record("dreamerv3", torch.jit.script(Wrapped(world, noise(MLP(features, 1, 8), 10), "Pendulum").eval()), 1)
(OUT / "wrappers.txt").write_text("".join(hashes))

tiny("good")
tiny("believes", begin='self.environment, self.latent = "Pendulum", "h"',
     belief='return {"prior_mean": carry["h"], "prior_deviation": torch.ones_like(carry["h"]), "posterior_mean": carry["h"][:, :, None].expand(-1, -1, 2), "posterior_deviation": torch.ones(carry["h"].size(0), 3, 2), "posterior_weights": torch.tensor([0.75, 0.25]).expand(carry["h"].size(0), 3, 2)}')
tiny("wrong_belief", begin='self.environment, self.latent = "Pendulum", "h"', belief='return {"prior_probabilities": torch.ones(carry["h"].size(0), 2, 4)}')
tiny("no_latent", begin='self.environment, self.latent = "Pendulum", "z"')
tiny("missing", decode="missing")
tiny("no_world", begin="pass")
tiny("other_world", begin='self.environment = "Nowhere"')
tiny("wrong_batch", imagine='return {"h": torch.zeros(1, 3)}')
tiny("wrong_shape", observe='return {"h": torch.cat([carry["h"], vector], 1)}')
tiny("wrong_name", imagine='return {"g": carry["h"]}')
tiny("raises", decode='raise RuntimeError("nothing to see here")')
tiny("raises_later", imagine='assert carry["h"].abs().sum() < 20, "out of the world"\n        return {"h": carry["h"] * 2 + 1}')
tiny("nan", observe='return {"h": carry["h"] / torch.zeros(3)}')
tiny("other_chance", imagine='return {"h": carry["h"] + torch.randn(carry["h"].shape)}')
tiny("in_place", imagine='return {"h": carry["h"].add_(1)}')
tiny("no_probability", decode='return {"done": carry["h"][:, 0] + 2}')
tiny("wide_act", act='return carry["h"]')
tiny("foreign_name", decode='return {"picture": carry["h"]}')

torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.zeros(1, 2),)), OUT / "exported.pt2")
with zipfile.ZipFile(OUT / "exported.pt2") as archive:  # its names say what it is; what it says of its maker's folders goes
    parts = {item.filename: b"" if item.filename.endswith(".json") else archive.read(item) for item in archive.infolist()}
with zipfile.ZipFile(OUT / "exported.pt2", "w") as archive:
    for part, data in parts.items():
        archive.writestr(zipfile.ZipInfo(part), data)
for name in ("wrap_ctallec", "wrap_dreamerv3_torch"):
    (OUT / f"{name}.py").unlink()
