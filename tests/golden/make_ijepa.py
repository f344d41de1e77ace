"""What facebookresearch/ijepa, jepa and vicreg make of given weights and inputs, read by tests/models/masked_jepa_test.cpp,
tests/models/two_views_test.cpp and tests/nn/block_masks_test.cpp.

    git clone https://github.com/facebookresearch/ijepa && git -C ijepa checkout 52c1ae9
    git clone https://github.com/facebookresearch/jepa && git -C jepa checkout 51c59d5
    git clone https://github.com/facebookresearch/vicreg && git -C vicreg checkout 4e12602
    pip install torch numpy
    python tests/golden/make_ijepa.py FOLDER_OF_THE_THREE

Writes tests/golden/ijepa: masks.npz (block sizes for given draws on several grids; over 4000 pictures how often each patch is
seen and hidden, and how many are; the same of clips), ijepa.npz (weights of encoder, target encoder and predictor, pictures, masks,
embeddings, the loss, and all after one update of AdamW and the slow copy; schedules), vjepa.npz (the same loss of clips),
vicreg.npz (embeddings and the three terms).
"""

import importlib
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

OUT = pathlib.Path(__file__).parent / "ijepa"
ROOT = pathlib.Path(sys.argv[1])


def official(repository, *names):
    """Modules of one repository; all three call their package `src`."""
    for known in [name for name in sys.modules if name == "src" or name.startswith("src.")]:
        del sys.modules[known]
    sys.path.insert(0, str(ROOT / repository))
    try:
        return [importlib.import_module(name) for name in names]
    finally:
        sys.path.pop(0)


def save(name, **arrays):
    OUT.mkdir(exist_ok=True)
    np.savez_compressed(OUT / name, **{key: np.asarray(value.detach() if torch.is_tensor(value) else value, dtype=dtype_of(value))
                                       for key, value in arrays.items()})


def dtype_of(value):
    array = np.asarray(value.detach() if torch.is_tensor(value) else value)
    return np.uint8 if array.dtype == np.uint8 else np.int64 if array.dtype.kind in "iu" else np.float32


def masks():
    (multiblock,) = official("ijepa", "src.masks.multiblock")
    made = {}
    sizes = []
    for side in (8, 14, 16):
        collator = multiblock.MaskCollator(input_size=side, patch_size=1, enc_mask_scale=(0.85, 1.0), pred_mask_scale=(0.15, 0.2),
                                           aspect_ratio=(0.75, 1.5), nenc=1, npred=4, min_keep=4)
        for seed in range(40):
            draw = torch.rand(1, generator=torch.Generator().manual_seed(seed)).item()
            target = collator._sample_block_size(torch.Generator().manual_seed(seed), (0.15, 0.2), (0.75, 1.5))
            context = collator._sample_block_size(torch.Generator().manual_seed(seed), (0.85, 1.0), (1.0, 1.0))
            sizes.append([side, draw, *target, *context])
    made["sizes"] = np.array(sizes, dtype=np.float32)
    torch.manual_seed(1)
    for side in (8, 16):
        collator = multiblock.MaskCollator(input_size=side, patch_size=1, enc_mask_scale=(0.85, 1.0), pred_mask_scale=(0.15, 0.2),
                                           aspect_ratio=(0.75, 1.5), nenc=1, npred=4, min_keep=4)
        seen, hidden, counts = np.zeros(side * side), np.zeros(side * side), []
        for _ in range(500):
            _, context, targets = collator([torch.zeros(1)] * 8)
            counts.append([context[0].shape[1], targets[0].shape[1]])
            np.add.at(seen, context[0].numpy().ravel(), 1)
            for each in targets:
                np.add.at(hidden, each.numpy().ravel(), 1)
        made[f"seen{side}"], made[f"hidden{side}"] = seen / 4000, hidden / 16000
        made[f"counts{side}"] = np.array(counts, dtype=np.float32).mean(0)
    (multiblock3d,) = official("jepa", "src.masks.multiblock3d")
    ways = [dict(aspect_ratio=(0.75, 1.5), num_blocks=8, spatial_scale=(0.15, 0.15), temporal_scale=(1, 1)),
            dict(aspect_ratio=(0.75, 1.5), num_blocks=2, spatial_scale=(0.7, 0.7), temporal_scale=(1, 1))]
    collator = multiblock3d.MaskCollator(ways, crop_size=(64, 64), num_frames=8, patch_size=8, tubelet_size=2)
    seen, counts = np.zeros((2, 4 * 64)), []
    for _ in range(500):
        collator.step()
        _, context, targets = collator([torch.zeros(1)] * 8)
        counts.append([[c.shape[1], t.shape[1]] for c, t in zip(context, targets)])
        for way in range(2):
            np.add.at(seen[way], context[way].numpy().ravel(), 1)
    made["clip_seen"], made["clip_counts"] = seen / 4000, np.array(counts, dtype=np.float32).mean(0)
    save("masks.npz", **made)


WIDTH, LAYERS, HEADS, NARROW, PREDICTING, BATCH = 24, 2, 2, 12, 2, 3


def randomised(module, std=0.08):
    with torch.no_grad():
        for p in module.parameters():
            if p.requires_grad:
                p.add_(torch.randn_like(p) * std)
    return module


def weights(prefix, module):
    return {f"{prefix}/{name}": value for name, value in module.state_dict().items()}


def look(pictures):
    """uint8 [..., H, W, C] as the encoder here sees them, channels first."""
    return (torch.as_tensor(pictures).float() / 255 - 0.5) / 0.25


def pictures_once():
    vit, multiblock, mask_utils, tensors, schedulers = official("ijepa", "src.models.vision_transformer", "src.masks.multiblock",
                                                                "src.masks.utils", "src.utils.tensors", "src.utils.schedulers")
    torch.manual_seed(2)
    from functools import partial
    norm = partial(torch.nn.LayerNorm, eps=1e-6)
    make = lambda: vit.VisionTransformer(img_size=[64], patch_size=8, embed_dim=WIDTH, depth=LAYERS, num_heads=HEADS, mlp_ratio=4,
                                         qkv_bias=True, norm_layer=norm)
    encoder, slow = randomised(make()), randomised(make())
    predictor = randomised(vit.vit_predictor(num_patches=64, embed_dim=WIDTH, predictor_embed_dim=NARROW, depth=PREDICTING, num_heads=HEADS))
    for p in slow.parameters():
        p.requires_grad = False
    images = np.random.default_rng(3).integers(0, 256, (BATCH, 64, 64, 3), dtype=np.uint8)
    collator = multiblock.MaskCollator(input_size=64, patch_size=8, enc_mask_scale=(0.85, 1.0), pred_mask_scale=(0.15, 0.2),
                                       aspect_ratio=(0.75, 1.5), nenc=1, npred=4, min_keep=4)
    _, context, targets = collator([torch.zeros(1)] * BATCH)
    made = weights("encoder", encoder) | weights("slow", slow) | weights("predictor", predictor)
    made = {key: value.clone() for key, value in made.items()}
    x = look(images).permute(0, 3, 1, 2)
    with torch.no_grad():
        h = F.layer_norm(slow(x), (WIDTH,))
        made["embedding"] = slow(x).mean(1)
        wanted = tensors.repeat_interleave_batch(mask_utils.apply_masks(h, targets), BATCH, repeat=1)
    z = predictor(encoder(x, context), context, targets)
    loss = F.smooth_l1_loss(z, wanted)
    rate, decay, momentum = 1e-3, 0.04, 0.996
    groups = [{"params": [p for m in (encoder, predictor) for n, p in m.named_parameters() if p.requires_grad and len(p.shape) != 1 and "bias" not in n],
               "weight_decay": decay},
              {"params": [p for m in (encoder, predictor) for n, p in m.named_parameters() if p.requires_grad and (len(p.shape) == 1 or "bias" in n)],
               "weight_decay": 0}]
    optimiser = torch.optim.AdamW(groups, lr=rate)
    loss.backward()
    optimiser.step()
    with torch.no_grad():
        for q, k in zip(encoder.parameters(), slow.parameters()):
            k.data.mul_(momentum).add_((1.0 - momentum) * q.detach().data)
    after = {f"after_{key}": value for key, value in (weights("encoder", encoder) | weights("slow", slow) | weights("predictor", predictor)).items()}
    h_after = slow(x).mean(1)
    # Schedules over 50 updates, the first 10 of them warm.
    optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1)
    warm = schedulers.WarmupCosineSchedule(optimiser, warmup_steps=10, start_lr=2e-4, ref_lr=1e-3, T_max=50, final_lr=1e-6)
    cosine = schedulers.CosineWDSchedule(optimiser, ref_wd=0.04, T_max=50, final_wd=0.4)
    rates, decays = [warm.step() for _ in range(50)], [cosine.step() for _ in range(50)]
    momenta = [0.996 + i * (1.0 - 0.996) / 50 for i in range(50)]
    save("ijepa.npz", images=images, context=context[0], predicted=z, loss=loss, after_embedding=h_after, rates=rates, decays=decays,
         momenta=momenta, **{f"target{i}": each for i, each in enumerate(targets)}, **made, **after)


def clips_once():
    vit, predictors, multiblock, multimask, mask_utils = official("jepa", "src.models.vision_transformer", "src.models.predictor",
                                                                  "src.masks.multiblock3d", "src.models.utils.multimask", "src.masks.utils")
    torch.manual_seed(4)
    from functools import partial
    norm = partial(torch.nn.LayerNorm, eps=1e-6)
    make = lambda: vit.VisionTransformer(img_size=64, patch_size=8, num_frames=8, tubelet_size=2, embed_dim=WIDTH, depth=LAYERS,
                                         num_heads=HEADS, mlp_ratio=4, qkv_bias=True, norm_layer=norm, uniform_power=True)
    encoder, slow = randomised(make()), randomised(make())
    predictor = randomised(predictors.vit_predictor(img_size=64, patch_size=8, num_frames=8, tubelet_size=2, embed_dim=WIDTH,
                                                    predictor_embed_dim=NARROW, depth=PREDICTING, num_heads=HEADS, uniform_power=True,
                                                    use_mask_tokens=True, num_mask_tokens=2))
    clips = np.random.default_rng(5).integers(0, 256, (BATCH, 8, 64, 64, 3), dtype=np.uint8)
    ways = [dict(aspect_ratio=(0.75, 1.5), num_blocks=8, spatial_scale=(0.15, 0.15), temporal_scale=(1, 1)),
            dict(aspect_ratio=(0.75, 1.5), num_blocks=2, spatial_scale=(0.7, 0.7), temporal_scale=(1, 1))]
    collator = multiblock.MaskCollator(ways, crop_size=(64, 64), num_frames=8, patch_size=8, tubelet_size=2)
    collator.step()
    _, contexts, targets = collator([torch.zeros(1)] * BATCH)
    made = weights("encoder", encoder) | weights("slow", slow) | weights("predictor", predictor)
    x = look(clips).permute(0, 4, 1, 2, 3)
    with torch.no_grad():
        full = slow(x)
        h = F.layer_norm(full, (WIDTH,))
        wanted = mask_utils.apply_masks(h, targets, concat=False)
        z = multimask.MultiMaskWrapper(encoder)(x, contexts)
        z = multimask.PredictorMultiMaskWrapper(predictor)(z, wanted, contexts, targets)
        losses = [torch.mean(torch.abs(zi - hi)) for zi, hi in zip(z, wanted)]
    save("vjepa.npz", clips=clips, loss=sum(losses) / 2, short=losses[0], long=losses[1], embedding=full.mean(1),
         **{f"context{i}": each for i, each in enumerate(contexts)}, **{f"target{i}": each for i, each in enumerate(targets)}, **made)


def two_views():
    """The lines of VICReg.forward, on one machine; the module itself wants a ResNet and a process group."""
    sys.path.insert(0, str(ROOT / "vicreg"))
    text = (ROOT / "vicreg" / "main_vicreg.py").read_text()
    start = text.index("        repr_loss = F.mse_loss(x, y)")
    end = text.index("        loss = (", start)
    lines = [line.replace("torch.cat(FullGatherLayer.apply(x), dim=0)", "x").replace("torch.cat(FullGatherLayer.apply(y), dim=0)", "y")
             for line in text[start:end].splitlines()]
    body = "\n".join(line[8:] for line in lines)

    def off_diagonal(x):
        n, m = x.shape
        return x.flatten()[:-1].view(n - 1, n + 1)[:, 1:].flatten()

    class Self:
        num_features = 24

        class args:
            batch_size = 32

    torch.manual_seed(6)
    x, y = torch.randn(32, 24) * 0.7, torch.randn(32, 24) * torch.linspace(0.1, 1.5, 24)
    here = dict(F=F, torch=torch, off_diagonal=off_diagonal, self=Self, x=x.clone(), y=y.clone())
    exec(body, here)
    save("vicreg.npz", x=x, y=y, invariance=here["repr_loss"], variance=here["std_loss"], covariance=here["cov_loss"],
         total=25 * here["repr_loss"] + 25 * here["std_loss"] + here["cov_loss"])


if __name__ == "__main__":
    masks()
    pictures_once()
    clips_once()
    two_views()
