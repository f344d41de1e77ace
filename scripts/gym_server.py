#!/usr/bin/env python3
"""Hosts instances ("lanes") of one Python environment for Dreamscope, which starts this program and talks to it.

    gym_server.py DESCRIPTOR NAME OPTION=VALUE...

DESCRIPTOR is a connected socket. What is large (observations, actions) lies in shared memory, one piece to each lane, and so does
the bell, by which steps are asked for and answered, those of several lanes at once. Over the socket go short messages, each answered
before the next comes. The first answer describes the environment. When the socket closes, this program ends.

Message: size of what follows (u32), what is asked for (u8), its data. Answer: size (u32), 0 or 1 for an error (u8), its data.
"""
import ctypes.util
import json
import mmap
import os
import platform
import select
import signal
import socket
import struct
import sys
import threading
import time
import zlib

from gym_server_options import Refusal, need, read_options, said_by

# Libraries that would take all cores, a screen or a sound card leave them to others.
for variable, value in (("OMP_NUM_THREADS", "1"), ("SDL_VIDEODRIVER", "dummy"), ("SDL_AUDIODRIVER", "dummy"),
                        ("PYGAME_HIDE_SUPPORT_PROMPT", "1")):
    os.environ.setdefault(variable, value)
if not os.environ.get("DISPLAY"):
    os.environ.setdefault("MUJOCO_GL", "egl" if ctypes.util.find_library("EGL") else "osmesa")

PATIENCE = 2  # seconds that environments may take to be closed
SOON = 0.0005 if platform.machine() in ("x86_64", "AMD64") else 0  # seconds within which it pays to stay awake
OPEN, LOOK, CLOSE, RENDER, BEGIN_LOAD, LOAD_STEPS, END_LOAD = range(7)

# The bell: how often steps were asked for and answered, whether this side sleeps and has to be called, how many lanes are to move. Then
# the lanes, each twice its number, and one more for a reset. Writes of Python are seen in their order by x86 alone: elsewhere it always
# sleeps.
BELL, ASKED, ANSWERED, ASLEEP, COUNT, FIRST = 4 * 4100, 0, 1, 2, 3, 4
LOOKS = 16  # at the bell for one at the socket

# A lane's memory begins with this; then come the action, the vector and the picture, where the description says.
HEAD = struct.Struct("<d???xxxxxQI")  # reward, terminated, truncated, failed, seed, length of the error's text
OUTCOME = struct.Struct("<d???")
SEED = struct.Struct("<Q")
SEED_AT, ERROR_AT, ACTION_AT = 16, HEAD.size, 1024


class Lane:
    """A world and the memory that the other side sees too."""

    def __init__(self, world, host, memory):
        self.world, self.host, self.memory, self.spare = world, host, memory, None
        numbers = len(host.seen.names)
        self.vector = numpy.frombuffer(memory, numpy.float32, numbers, host.vector_at) if numbers else None
        shape = host.picture_shape
        self.picture = numpy.frombuffer(memory, numpy.uint8, int(numpy.prod(shape)), host.picture_at).reshape(shape) if shape else None
        acted = host.acted
        if acted.table is not None:
            index = memoryview(memory)[ACTION_AT:ACTION_AT + 4].cast("i")
            self.action = lambda: acted.table[index[0]]
        else:
            given = numpy.frombuffer(memory, numpy.float32, len(acted.axes), ACTION_AT)
            self.action = lambda: acted.lived(given)
        numbers = host.seen.numbers
        if len(numbers) == 1 and numbers[0][:1] + numbers[0][2:4] == ((), 0, 0) and self.picture is None:
            self.write = self.one_array(numbers[0][1])
        else:
            self.write = self.parts

    def one_array(self, shape):
        out = self.vector.reshape(shape)

        def write(observation):
            if type(observation) is not numpy.ndarray or observation.shape != shape:
                observation = numpy.asarray(observation)
            if observation.shape != shape:
                raise Refusal(f"the observation has the shape {observation.shape}, expected {shape}")
            out[...] = observation
        return write

    def parts(self, observation):
        for path, shape, start, hot, where in self.host.seen.numbers:
            part = numpy.asarray(at(observation, path))
            if part.shape != shape:
                raise Refusal(f"{'/'.join(map(str, path)) or 'the observation'} has the shape {part.shape}, expected {shape}")
            if hot:
                self.vector[where] = 0
                self.vector[where][int(part) - start] = 1
            else:
                self.vector[where] = numpy.ravel(part) - start if start else numpy.ravel(part)
        if self.picture is not None:
            self.write_picture(observation)

    def write_picture(self, observation):
        world = self.world
        if self.host.pixels:
            found = rendered(world.env, world.sides)[world.crop]
        else:
            found = self.cut(observation)
            if world.max and world.before is not None:
                found = numpy.maximum(found, self.cut(world.before))
                world.before = None
        if found.shape != self.picture.shape:
            raise Refusal(f"the picture has the shape {found.shape}, expected {self.picture.shape}")
        self.picture[...] = found

    def cut(self, observation):
        path, shape, dtype, cut = self.host.seen.picture
        whole = numpy.asarray(at(observation, path))
        if whole.shape != shape or whole.dtype != dtype:
            raise Refusal(f"the picture is {whole.dtype} of shape {whole.shape}, expected {dtype} of shape {shape}")
        return cut(whole)[self.world.crop]

    def reset(self):
        self.write(self.world.reset(*SEED.unpack_from(self.memory, SEED_AT)))
        OUTCOME.pack_into(self.memory, 0, 0.0, False, False, False)

    def step(self):
        observation, reward, terminated, truncated = self.world.step(self.action())
        self.write(observation)
        OUTCOME.pack_into(self.memory, 0, reward, terminated, truncated, False)

    def fail(self, text):
        said = text.encode()[: ACTION_AT - ERROR_AT]
        OUTCOME.pack_into(self.memory, 0, 0.0, False, False, True)
        struct.pack_into("<I", self.memory, ERROR_AT - 4, len(said))
        self.memory[ERROR_AT:ERROR_AT + len(said)] = said

    # A saved state is a seed and actions. They are lived again in another world, which takes this one's place if it comes to the
    # same observation.
    def begin_load(self, seed):
        if self.spare is None:
            self.spare = self.host.make()
        self.world, self.spare = self.spare, self.world
        try:
            self.observation = self.world.reset(seed)
        except BaseException:
            self.world, self.spare = self.spare, self.world
            raise

    def load_steps(self, actions):
        acted = self.host.acted
        try:
            for row in actions:
                self.observation, _, _, _ = self.world.step(acted.lived(row))
        except BaseException:
            self.world, self.spare = self.spare, self.world
            raise

    def end_load(self, expected):
        before = bytes(self.memory)
        try:
            self.write(self.observation)
            if self.digest() != expected:
                raise Refusal("its actions, lived again from their seed, led elsewhere: this environment does not repeat itself")
        except BaseException:
            self.world, self.spare = self.spare, self.world
            self.memory[:] = before
            raise

    def digest(self):
        crc = zlib.crc32(self.vector) if self.vector is not None else 0
        return zlib.crc32(self.picture, crc) if self.picture is not None else crc


def rendered(env, sides=()):
    found = env.render(*sides)
    found = numpy.asarray(found[-1] if isinstance(found, list) else found)
    if found.dtype != numpy.uint8 or found.ndim != 3 or found.shape[2] != 3:
        raise Refusal(f"render() gave {found.dtype} of shape {found.shape}, expected uint8 [H, W, 3]")
    return found


class Host:
    def __init__(self, name, words):
        self.name = name
        self.ours, self.theirs = read_options(words)
        self.lanes, self.ready = {}, [self.make()]  # the first lane takes what the description was made with
        world = self.ready[0]
        env = world.env
        self.seen = Seen(env.observation_space, lambda: world.reset(0))
        self.acted, self.pixels = Acted(env, self.ours.get("axis", False)), self.ours.get("pixels", False)
        modes = getattr(env, "metadata", {}).get("render_modes", [])
        draws = getattr(env, "render_mode", "rgb_array") == "rgb_array" and "rgb_array" in modes
        self.renders = draws and self.ours.get("picture", True)
        self.picture_shape = None
        if self.pixels:
            if not self.renders:
                raise Refusal("it renders no picture, which the option pixels asks for")
            world.reset(0)
            self.picture_shape = self.cropped(rendered(env, world.sides))
        elif self.seen.picture:
            _, shape, dtype, cut = self.seen.picture
            self.picture_shape = self.cropped(cut(numpy.zeros(shape, dtype)))
        elif world.crop or self.ours.get("size") or self.ours.get("grey"):
            raise Refusal("it shows no picture to crop, to resize or to make grey; pixels=true has it rendered")
        if world.life_loss and "lives" not in env.reset(seed=0)[1]:
            raise Refusal("it tells of no lives, whose loss the option life_loss asks for")
        if self.picture_shape and 0 in self.picture_shape:
            raise Refusal("crop leaves nothing of its picture")
        if self.picture_shape is None and not self.seen.names:
            raise Refusal("it shows neither a picture nor numbers: " + ", ".join(self.seen.left_out))
        up = lambda at: (at + 63) // 64 * 64
        self.vector_at = up(ACTION_AT + 4 * max(len(self.acted.axes), 1))
        self.picture_at = up(self.vector_at + 4 * len(self.seen.names))
        self.memory = up(self.picture_at + int(numpy.prod(self.picture_shape or (0,))))

    def cropped(self, picture):
        crop = self.ready[0].crop
        for part, size, what in zip(crop, picture.shape, ("rows", "columns")):
            if part.stop > size:
                raise Refusal(f"option crop goes to {part.stop}, and its picture has {size} {what}")
        return picture[crop].shape

    def make(self):
        return World(*make(self.name, dict(self.theirs), self.ours), self.ours)

    def give_up(self, lane):
        """One world is kept, so that the next lane opens at once."""
        for world in filter(None, (lane.world, lane.spare)):
            self.ready.append(world) if not self.ready else world.env.close()

    def close(self):
        """Some hold files and programs of their own."""
        lanes = self.lanes.values()
        for world in self.ready + [lane.world for lane in lanes] + [lane.spare for lane in lanes if lane.spare]:
            try:
                world.env.close()
            except Exception:  # there is nobody to tell
                pass

    def description(self):
        world, acted = self.ready[0], self.acted
        rate = float(getattr(world.env, "metadata", {}).get("render_fps") or 30)
        states = 0 if self.picture_shape else self.seen.states
        return {"picture": list(self.picture_shape or ()), "numbers": self.seen.names, "states": states, "choices": acted.choices,
                "axes": acted.axes, "keys": acted.keys, "idle": acted.idle, "left_out": self.seen.left_out,
                "rate": max(rate / world.repeat, 1), "limit": -(-world.limit // world.repeat), "renders": self.renders,
                "pixels": self.pixels, "vector_at": self.vector_at, "picture_at": self.picture_at, "action_at": ACTION_AT,
                "memory": self.memory, "python": sys.executable}


def answer(connection, data=b"", wrong=False):
    connection.sendall(struct.pack("<IB", len(data) + 1, wrong) + data)


def shared(connection, size):
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
    memory = mmap.mmap(descriptors[0], size)
    os.close(descriptors[0])
    return memory


def open_lane(host, connection, lane):
    world = host.ready.pop() if host.ready else host.make()
    answer(connection)  # and the descriptor comes by itself
    host.lanes[lane] = Lane(world, host, shared(connection, host.memory))


def render(lane):
    if not lane.host.renders:
        raise Refusal("it renders no picture")
    found = numpy.ascontiguousarray(rendered(lane.world.env))
    return struct.pack("<II", *found.shape[:2]) + found.tobytes()


def listener(connection, bell):
    """Takes what has come, None for the bell. Where the last questions followed their answers at once it looks again and again for a
    moment, and lets others go first: going to sleep and waking up takes longer than a quick environment's step."""
    ready, clock, awake = select.poll(), time.perf_counter, SOON > 0
    ready.register(connection, select.POLLIN)
    bell[ASLEEP] = not awake

    def listen():
        nonlocal awake
        began = clock()
        while awake and clock() - began < SOON:
            for _ in range(LOOKS):
                if bell[ASKED] != bell[ANSWERED]:
                    return None
            if ready.poll(0):
                return connection.recv(1 << 16)
            os.sched_yield()
        bell[ASLEEP] = 1
        message = connection.recv(1 << 16)
        bell[ASLEEP] = not SOON
        awake = clock() - began < SOON
        return message
    return listen


def go(lanes, bell):
    """Makes the steps that were asked for."""
    asked = bell[ASKED]
    for word in bell[FIRST:FIRST + bell[COUNT]] if asked != bell[ANSWERED] else ():
        lane = lanes[word >> 1]
        try:
            lane.reset() if word & 1 else lane.step()
        except Exception as error:  # it is this lane's alone
            lane.fail(f"{'reset' if word & 1 else 'step'}(): {said_by(error)}")
    bell[ANSWERED] = asked


def serve(host, connection, bell):
    lanes, listen = host.lanes, listener(connection, bell)
    while True:
        message = listen()
        if message is None:
            go(lanes, bell)
            continue
        while len(message) < 4 or len(message) < 4 + int.from_bytes(message[:4], "little"):
            more = connection.recv(1 << 16) if message else b""
            if not more:
                return
            message += more
        what = message[4]
        if what == LOOK:
            go(lanes, bell)
            answer(connection)
            continue
        lane, data = int.from_bytes(message[5:9], "little"), message[9:]
        try:
            if what == OPEN:
                open_lane(host, connection, lane)
                answer(connection)
            elif what == RENDER:
                answer(connection, render(lanes[lane]))
            else:
                if what == CLOSE:
                    host.give_up(lanes.pop(lane))
                elif what == BEGIN_LOAD:
                    lanes[lane].begin_load(*SEED.unpack(data))
                elif what == LOAD_STEPS:
                    lanes[lane].load_steps(numpy.frombuffer(data, numpy.float32).reshape(-1, max(len(host.acted.axes), 1)))
                elif what == END_LOAD:
                    lanes[lane].end_load(int.from_bytes(data, "little"))
                answer(connection)
        except Exception as error:
            answer(connection, said_by(error).encode(), wrong=True)


def leave():
    """Ends this program at once, and what environments have started; whatever libraries would still wait for."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)


def leave_with(descriptor):
    """Leaves soon after the other side is gone, whatever an environment is doing."""
    poll = select.poll()
    poll.register(descriptor, 0)
    poll.poll()
    time.sleep(PATIENCE)
    leave()


def main():
    global Acted, Seen, World, at, make, numpy
    descriptor, name, words = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    connection = socket.socket(fileno=descriptor)
    connection.setblocking(True)
    bell = memoryview(shared(connection, BELL)).cast("I")
    threading.Thread(target=leave_with, args=(descriptor,), daemon=True).start()
    try:
        numpy, _ = need("numpy"), need("gymnasium")
        from gym_server_spaces import Acted, Seen, at
        from gym_server_worlds import World, make
        sys.path[:] = [entry for entry in sys.path if entry != os.path.dirname(os.path.abspath(__file__))]
        host = Host(name, words)
    except Exception as error:
        answer(connection, said_by(error).encode(), wrong=True)
        return
    answer(connection, json.dumps(host.description()).encode())
    serve(host, connection, bell)
    host.close()
    leave()


if __name__ == "__main__":
    main()
