#!/usr/bin/env python3
"""Writes what torch.save makes of weights, for state_dict_test.cpp: a module's state_dict(), a checkpoint as training scripts
keep it, a whole module, and weights in the format of before 1.6. Weights are 0, 1, 2 … / 8.

    python make_state_dict.py state_dict
"""
import sys

import torch

module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Conv2d(1, 2, 3))
with torch.no_grad():
    for parameter in module.parameters():
        parameter.copy_(torch.arange(parameter.numel()).view(parameter.shape) / 8)
whole = module.state_dict()["0.weight"]
torch.save(module.state_dict(), f"{sys.argv[1]}/plain.pt")
torch.save({"model": module.state_dict(), "epoch": 3, "rate": 0.5, "note": "good", "half": torch.ones(2, dtype=torch.float16),
            "counts": torch.tensor([-1, 1 << 40]), "turned": whole.t(), "row": whole[2], "none": None, "empty": torch.zeros(0, 3)},
           f"{sys.argv[1]}/checkpoint.pt")
torch.save(module, f"{sys.argv[1]}/module.pt")
torch.save(module.state_dict(), f"{sys.argv[1]}/old.pt", _use_new_zipfile_serialization=False)
