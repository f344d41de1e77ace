"""Golden dump of the Decision Transformer: `pip install torch==2.13.0 transformers safetensors`, then run
`python make_decision_transformer.py` in this folder.

transformers' DecisionTransformerModel is kzl/decision-transformer's gym model, moved there; it runs as it is, in float32, with
ReLU and without dropout. All weights are seeded noise. Writes decision_transformer/dt.safetensors under the names of our
weights, layers as [out, in]:

in/…      returns [B, T], states [B, T, S], actions [B, T, A], times int64 [B, T], present [B, T] (0: padding, at the left)
weight/…  of the behaviour
out/…     actions [B, T, A] in [-1, 1]; loss: the mean squared error of them over what is present
"""
import pathlib

import torch
from safetensors.torch import save_file
from transformers import DecisionTransformerConfig, DecisionTransformerModel

OUT = pathlib.Path(__file__).parent / "decision_transformer"
BATCH, STEPS, STATE, ACTIONS, WIDTH, LAYERS, HEADS, LONGEST = 3, 5, 4, 2, 16, 2, 2, 30


def main():
    torch.manual_seed(1)
    config = DecisionTransformerConfig(state_dim=STATE, act_dim=ACTIONS, hidden_size=WIDTH, max_ep_len=LONGEST, n_layer=LAYERS,
                                       n_head=HEADS, n_inner=4 * WIDTH, activation_function="relu", resid_pdrop=0.0,
                                       embd_pdrop=0.0, attn_pdrop=0.0, action_tanh=True, n_positions=1024)
    config._attn_implementation = "eager"
    model = DecisionTransformerModel(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 0, 0.2)
    for name, parameter in model.named_parameters():
        if "ln" in name and name.endswith("weight"):
            torch.nn.init.normal_(parameter, 1, 0.1)
    torch.nn.init.zeros_(model.encoder.wpe.weight)  # kzl's has none; here every token would get the first one's
    returns, states = torch.randn(BATCH, STEPS), torch.randn(BATCH, STEPS, STATE)
    actions = torch.rand(BATCH, STEPS, ACTIONS) * 2 - 1
    times = torch.randint(0, LONGEST, (BATCH, STEPS))
    present = torch.ones(BATCH, STEPS)
    present[1, :2] = 0
    present[2, :4] = 0
    with torch.no_grad():
        said = model(states=states, actions=actions, rewards=None, returns_to_go=returns.unsqueeze(-1), timesteps=times,
                     attention_mask=present.long(), return_dict=True).action_preds
    mask = present.bool()
    loss = ((said - actions) ** 2)[mask].mean()
    t = {"in/returns": returns, "in/states": states, "in/actions": actions, "in/times": times, "in/present": present,
         "out/actions": said, "out/loss": loss.reshape(1)}
    w = dict(model.named_parameters())
    for ours, theirs in {"of_return": "embed_return", "of_state": "embed_state", "of_action": "embed_action",
                         "head": "predict_action.0"}.items():
        for part in ("weight", "bias"):
            t[f"weight/{ours}.{part}"] = w[f"{theirs}.{part}"]
    t["weight/of_time"] = w["embed_timestep.weight"]
    norms = {"norm": "embed_ln", "net.norm": "encoder.ln_f"}
    for i in range(LAYERS):
        block = f"encoder.h.{i}."
        norms[f"net.block{i}_norm1"], norms[f"net.block{i}_norm2"] = block + "ln_1", block + "ln_2"
        for ours, theirs in {"qkv": "attn.c_attn", "attended": "attn.c_proj", "up": "mlp.c_fc", "down": "mlp.c_proj"}.items():
            t[f"weight/net.block{i}_{ours}.weight"] = w[block + theirs + ".weight"].T  # GPT-2 keeps them [in, out]
            t[f"weight/net.block{i}_{ours}.bias"] = w[block + theirs + ".bias"]
    for ours, theirs in norms.items():
        t[f"weight/{ours}.scale"], t[f"weight/{ours}.shift"] = w[theirs + ".weight"], w[theirs + ".bias"]
    OUT.mkdir(exist_ok=True)
    save_file({k: v.detach().contiguous().clone() for k, v in t.items()}, OUT / "dt.safetensors")
    print(len(t), "tensors, loss", loss.item())


if __name__ == "__main__":
    main()
