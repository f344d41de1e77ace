"""Drives a dream of Dreamscope's from Python, and reads what is in its mind. One file, nothing to install; with NumPy pictures and
actions may be arrays.

    from dreamscope import Dream
    with Dream("runs/car") as dream:                      # starts `dreamscope-cli serve runs/car`
        print(dream.world, dream.actions)
        moment = dream.step([0.2, 0.5, 0.0], frames=["dream", "real"], probes=["latent/z"])
        moment.frames["dream"]                            # uint8, height x width x channels
        moment.probes["latent/z"]["posterior"]
        dream.knob("tau", 1.3)
        dream.step(count=50)                              # the agent drives

    for news in Dream("runs/car").training():             # while another process trains the run
        print(news["phases"], news["curves"].keys())

Requests and answers are described in docs/serve.md.
"""
import json
import socket
import subprocess
import tempfile

try:
    import numpy
except ImportError:  # pictures are nested lists of bytes then
    numpy = None


class Refused(Exception):
    """What Dreamscope would not do, in its words. The dream is as it was."""


class Moment(dict):
    """A moment of the dream: what the answer says, with pictures and probes by their names."""

    @property
    def frames(self):
        return self["frames"]

    @property
    def probes(self):
        return self["probes"]


def _picture(of, blobs):
    height, width, channels = of["height"], of["width"], of["channels"]
    data = blobs[of["blob"]]
    if numpy is not None:
        return numpy.frombuffer(data, numpy.uint8).reshape(height, width, channels)
    row = width * channels
    return [[list(data[y * row + x * channels:y * row + (x + 1) * channels]) for x in range(width)] for y in range(height)]


def _with_pictures(value, blobs):
    if isinstance(value, dict):
        if "blob" in value:
            return {**value, "picture": _picture(value, blobs)}
        return {name: _with_pictures(each, blobs) for name, each in value.items()}
    return value


def _plain(action):
    return action.tolist() if hasattr(action, "tolist") else action


class Dream:
    """One dream. `run`: a run's folder, for which a server is started; or the line that a running one has printed, as a dict."""

    def __init__(self, run, program="dreamscope-cli", seed=1, arguments=(), timeout=120):
        self._server = None
        if isinstance(run, dict):
            where = run
        else:
            self._said = tempfile.TemporaryFile("w+")  # a pipe that nobody empties would hold the server up
            self._server = subprocess.Popen([program, "serve", str(run), "--seed", str(seed), *arguments], stdout=subprocess.PIPE,
                                            stderr=self._said, text=True)
            line = self._server.stdout.readline()
            if not line:
                self._server.wait()
                self._said.seek(0)
                raise Refused(self._said.read().strip())
            where = json.loads(line)
        self.where = where  # others connect to the same server with this
        self._socket = self._file = None
        self._news = []
        try:
            self._socket = socket.create_connection((where["address"], where["port"]), timeout)
            self._file = self._socket.makefile("rb")
            self._send({"token": where["token"]})
            self.about = self._receive()
        except BaseException:
            self.close()
            raise
        self.world, self.actions = self.about["world"], self.about["actions"]
        self.knobs = {knob["name"]: knob for knob in self.about["knobs"]}
        self.probe_names, self.frame_names = self.about["probes"], self.about["frames"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for each in (self._file, self._socket):
            if each:
                each.close()
        if self._server:
            self._server.terminate()
            self._server.communicate()
            self._said.close()

    # -- what a dream can be told ------------------------------------------------------------------------------------

    def step(self, action=None, count=1, frames=("dream",), probes=(), idle=False):
        """One step under `action`, or as many as `count`; None: the agent drives, or with `idle` nobody. Ends early where the dream does."""
        request = {"do": "step", "count": count, "frames": list(frames), "probes": list(probes), "idle": idle}
        if action is not None:
            request["action"] = _plain(action)
        return self.ask(request)

    def follow(self, actions, frames=("dream",), probes=()):
        """These actions, one step each."""
        return self.ask({"do": "step", "actions": [_plain(action) for action in actions], "frames": list(frames), "probes": list(probes)})

    def look(self, frames=("dream",), probes=()):
        return self.ask({"do": "look", "frames": list(frames), "probes": list(probes)})

    def start(self, seed, chance=None, **shown):
        """A dream from the world's start of this seed. The same actions lead to the same dream; with another `chance`, to another."""
        return self.ask({"do": "start", "seed": seed, "chance": seed if chance is None else chance, **shown})

    def go_to(self, moment, **shown):
        """Back (or on) to a moment that was lived, by its "moment": what is done there begins another branch."""
        return self.ask({"do": "go_to", "moment": moment["moment"] if isinstance(moment, dict) else moment, **shown})

    def knob(self, name, value, **shown):
        return self.ask({"do": "knob", "name": name, "value": value, **shown})

    def edit(self, probe, index, value, **shown):
        """Puts a value into the latent, at this moment alone."""
        return self.ask({"do": "edit", "probe": probe, "index": index, "value": value, **shown})

    def hold(self, probe, index, value, **shown):
        """The same at every step until release()."""
        return self.ask({"do": "hold", "probe": probe, "index": index, "value": value, **shown})

    def release(self, probe, index, **shown):
        return self.ask({"do": "hold", "probe": probe, "index": index, "on": False, **shown})

    def randomise(self, probe, **shown):
        return self.ask({"do": "randomise", "probe": probe, **shown})

    def pill(self, **shown):
        """With the next step the dream sees one real frame."""
        return self.ask({"do": "pill", **shown})

    def couple(self, how, steps=0, **shown):
        """How dream and real world are tied: drift, anchored, reality_leads, dream_leads or awake."""
        return self.ask({"do": "couple", "how": how, "steps": steps, **shown})

    def training(self, weights=False):
        """What another process' training of this run brings, checkpoint by checkpoint, without an end; `weights`: this dream goes on
        with them."""
        self.ask({"do": "subscribe", "weights": weights})
        self._socket.settimeout(None)  # a checkpoint may take its time
        while True:
            while self._news:
                yield self._news.pop(0)
            yield self._receive(news=True)

    # -- how it is said ----------------------------------------------------------------------------------------------

    def ask(self, request):
        self._send(request)
        return self._receive()

    def _send(self, request):
        self._socket.sendall(json.dumps(request).encode() + b"\n")

    def _receive(self, news=False):
        while True:
            line = self._file.readline()
            if not line:
                raise Refused("Dreamscope has gone")
            message = json.loads(line)
            blobs = [self._file.read(size) for size in message.pop("blobs", [])]
            if "event" in message:
                if news:
                    return message
                self._news.append(message)
                continue
            if "error" in message:
                raise Refused(message["error"])
            if "moment" not in message:
                return message
            moment = Moment(message)
            moment["frames"] = {frame["name"]: _picture(frame, blobs) for frame in message["frames"] if "blob" in frame}
            moment["probes"] = {probe["name"]: _with_pictures(probe["value"], blobs) for probe in message["probes"]}
            return moment
