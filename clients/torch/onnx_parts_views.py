"""What of an encoder that learns to see by itself becomes an ONNX file of its own: as onnx_parts.py has it. Projectors stay behind: they norm by
a batch's own statistics, and only teach."""
import torch
from torch import rand

from masked_jepa import MaskedJepa
from two_views import TwoViews


def parts_of_masked_jepa(run):
    """`predict` sees the pieces of a first half and is asked for the rest; other counts need a file of their own."""
    world = MaskedJepa(run)
    clips = rand(2, world.frames, 3, 64, 64)
    pieces = world.encoder.pieces(clips)
    count, d = pieces.shape[1], world.encoder.token.out_features
    places = torch.stack([torch.randperm(count), torch.randperm(count)])
    masks = [places[:, :count // 2], places[:, count // 2:]]

    def predict(pieces, context, places):
        return world.predictor(world.encoder(pieces, context), context, places, 0)
    return world, {"embed": (world.embed, [clips], "clips", "embedding"), "pieces": (world.encoder.pieces, [clips], "clips", "pieces"),
                   "told": (world.told, [pieces], "pieces", "told"), "predict": (predict, [pieces, *masks], "pieces context places", "predicted"),
                   "paint": (world.paint, [rand(2, count, d)], "tokens", "pieces")}


def parts_of_two_views(run):
    world = TwoViews(run)
    parts = {"embed": (world.embed, [rand(2, 3, 64, 64)], "pictures", "embedding")}
    return world, parts | ({"paint": (world.paint, [rand(2, world.encoder.token.out_features)], "embedding", "frame")} if world.viewer is not None else {})


PARTS_OF_VIEWS = {**dict.fromkeys(("i-jepa", "v-jepa"), parts_of_masked_jepa), **dict.fromkeys(("byol", "vicreg"), parts_of_two_views)}
