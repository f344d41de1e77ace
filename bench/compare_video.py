#!/usr/bin/env python3
"""Reads one video to 64 x 64 RGB, its middle square: ours, PyAV and OpenCV where Python has them, the program ffmpeg where it is there.

    python3 -m venv V && V/bin/pip install av opencv-python-headless numpy
    V/bin/python bench/compare_video.py --clip clip.mp4

Without --clip one of 480 lines is made by PyAV (H.264, 30 frames a second, 20 s). Every side reads the same file from its opening to
its last frame, in turn, in one run; all decode in as many threads as there are processors.
"""
import argparse
import json
import pathlib
import resource
import shutil
import subprocess
import tempfile

import peers

SIDE = 64


def make_clip(path):
    import av
    import numpy as np
    wide, high, frames = 854, 480, 600
    chance = np.random.default_rng(1)
    grain, noise = chance.integers(-8, 9, (high, 2 * wide)), chance.integers(-8, 9, (7, high, wide))
    y, x = np.mgrid[:high, :2 * wide]
    land = 128 + 60 * np.sin(x * 0.013) * np.cos(y * 0.021) + 30 * np.sin(x * 0.11 + y * 0.07) + grain
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = wide, high, "yuv420p"
        for t in range(frames):
            pan = int(wide * (0.5 + 0.5 * np.sin(t * 0.01)) * 0.99)
            shade = land[:, pan:pan + wide] + noise[t % 7]
            picture = np.stack([shade, shade * 0.75 + y[:, :wide] / 10, 255 - shade], -1)
            left = (t * 4) % (wide - 120)
            picture[300:360, left:left + 120] = (200, 40, 30)
            frame = av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), format="rgb24")
            for packet in stream.encode(frame):
                film.mux(packet)
        for packet in stream.encode():
            film.mux(packet)


def middle(wide, high):
    side = min(wide, high)
    return (wide - side) // 4 * 2, (high - side) // 4 * 2, side


def pyav(clip):
    import av
    from av.filter import Graph

    def work():
        count = 0
        with av.open(str(clip)) as film:
            stream = film.streams.video[0]
            stream.thread_type = "AUTO"
            graph = Graph()
            left, top, side = middle(stream.width, stream.height)
            chain = [graph.add_buffer(template=stream), graph.add("crop", f"{side}:{side}:{left}:{top}"),
                     graph.add("scale", f"{SIDE}:{SIDE}:flags=area"), graph.add("format", "rgb24"), graph.add("buffersink")]
            for a, b in zip(chain, chain[1:]):
                a.link_to(b)
            graph.configure()
            for frame in film.decode(stream):
                graph.push(frame)
                count += graph.pull().to_ndarray().shape[0] // SIDE
        return count
    return work


def opencv(clip):
    import cv2

    def work():
        film, count = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG), 0
        left, top, side = middle(int(film.get(cv2.CAP_PROP_FRAME_WIDTH)), int(film.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        while True:
            got, picture = film.read()
            if not got:
                return count
            cut = picture[top:top + side, left:left + side]
            cv2.cvtColor(cv2.resize(cut, (SIDE, SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
            count += 1
    return work


def program(clip):
    def work():
        done = subprocess.run(["ffmpeg", "-v", "error", "-i", str(clip), "-vf",
                               f"crop='min(iw,ih)':'min(iw,ih)',scale={SIDE}:{SIDE}:flags=area", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"],
                              stdout=subprocess.PIPE, check=True)
        return len(done.stdout) // (SIDE * SIDE * 3)
    return work


KINDS = {"pyav": pyav, "opencv": opencv, "ffmpeg": program}


def there(options, kind):
    if kind == "ffmpeg":
        return shutil.which("ffmpeg") is not None
    module = {"pyav": "av", "opencv": "cv2"}[kind]
    return subprocess.run([options.python, "-c", f"import {module}"], stderr=subprocess.DEVNULL).returncode == 0


def ours(options, clip):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "ours.json"
        subprocess.run([str(options.cli), "bench", "--seconds", str(options.seconds), "--json", str(file), "--video", str(clip)], check=True,
                       stdout=subprocess.DEVNULL)
        found = json.loads(file.read_text())["rows"]["video"]
        return [found["rate"], found["per_processor_second"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    peers.add_options(parser)
    parser.add_argument("--clip", type=pathlib.Path, help="a video; by default one is made")
    options = parser.parse_args()
    if options.peer:
        if options.peer[0] == "ffmpeg":  # its time is its children's
            peers.processor_seconds = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        print(json.dumps(peers.rate(options.seconds, KINDS[options.peer[0]](options.clip))))
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.clip is None:
            options.clip = pathlib.Path(folder) / "clip.mp4"
            make_clip(options.clip)
        print(f"{options.clip.stat().st_size * 8e-6:.1f} Mbit in all")
        figures = {}
        for _ in range(options.rounds):
            figures["ours"] = peers.better(figures.get("ours"), ours(options, options.clip))
            for kind in KINDS:
                if there(options, kind):
                    found = peers.measure(__file__, options, kind, "video", ["clip"])
                    figures[kind] = peers.better(figures.get(kind), found)
    print(f"{'':10} {'frames/s':>12} {'per CPU second':>16}")
    for name, (wall, processor) in figures.items():
        print(f"{name:10} {wall:12.0f} {processor:16.0f}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
