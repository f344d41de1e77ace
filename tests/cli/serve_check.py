"""What a program of Python's makes of `dreamscope-cli serve`: serve_test.cpp runs this with the program, the shipped runs and a
folder to write into. Ends with an error at the first thing that is not as it should be."""
import json
import os
import socket
import subprocess
import sys

program, root, folder = sys.argv[1:4]
sys.path.insert(0, os.path.join(root, "clients"))
from dreamscope import Dream, Refused  # noqa: E402

catch = os.path.join(root, "assets", "runs", "catch")


def refused(do, part):
    try:
        do()
    except Refused as said:
        assert part in str(said), f"'{part}' was expected in: {said}"
        return
    raise AssertionError(f"it was not refused, and '{part}' was to be said")


def same(a, b):
    return (a == b) if isinstance(a, list) else bool((a == b).all())


def drives_without_a_dream():
    """Of a run that has no model there is the real world alone."""
    with Dream(os.path.join(root, "assets", "runs", "pendulum_decision_transformer"), program, arguments=("--threads", "1")) as dream:
        assert not dream.about["has_model"] and "dream" not in dream.about["frames"], dream.about["frames"]
        refused(lambda: dream.step(frames=["dream"]), "no picture 'dream'")
        assert len(dream.step(frames=["real"]).frames["real"]) > 0


def drives_and_reads():
    with Dream(catch, program, seed=3, arguments=("--threads", "1")) as dream:
        assert dream.about["environment"] == "Catch" and dream.about["has_agent"]
        choices = dream.actions["choices"]
        right = [float(len(choices) - 1)]
        first = dream.start(7, frames=["dream", "real"], probes=["latent/z"])
        z = first.probes["latent/z"]
        assert z["kind"] == "categorical" and len(z["prior"]) == z["groups"] * z["classes"], z.keys()
        assert abs(sum(z["prior"][:z["classes"]]) - 1) < 1e-3
        assert len(first.frames["dream"]) == len(first.frames["real"]) == dream.look().frames["dream"].__len__()
        once = dream.step(right)
        assert once["step"] == 1 and once["action"] == right and once["reward"] is not None
        there = dream.follow([right, [0.0]])
        assert there["step"] == 3
        # The same moment again: by the same start and actions, and by going back to it.
        dream.start(7)
        again = dream.follow([right, right, [0.0]])
        assert same(again.frames["dream"], there.frames["dream"])
        dream.start(7)
        once = dream.step(right)
        there = dream.follow([right, [0.0]])
        back = dream.go_to(once, frames=["dream"])
        assert back["step"] == 1 and same(back.frames["dream"], once.frames["dream"])
        assert back["vector"] == once["vector"] and there["vector"] != once["vector"], "what the world shows as numbers"
        assert same(dream.follow([right, [0.0]]).frames["dream"], there.frames["dream"])
        # Left to itself the agent drives, to the dream's end and no further.
        dream.start(7)
        moment = dream.step(count=1000)
        assert 3 < moment["step"] < 1000 and moment["ended"], moment
        assert dream.step()["step"] <= 1, "then the next dream begins"
        # A latent is edited, and stays where it is held.
        dream.start(7)
        before = dream.look().frames["dream"]
        changed = dream.edit("latent/z", 0, 1, frames=["dream"])
        dream.randomise("latent/z")
        assert len(changed.frames["dream"]) == len(before)
        knob = next(iter(dream.knobs.values()))
        dream.knob(knob["name"], knob["minimum"])

        # A choice is a number as well as a list of one.
        dream.start(7)
        assert dream.step(len(choices) - 1)["action"] == right and dream.follow([len(choices) - 1, 0])["step"] == 3
        refused(lambda: dream.ask({"do": "stepp"}), "did you mean 'step'")
        stood = dream.look()["step"]
        refused(lambda: dream.ask({"do": "step", "aktion": right}), "'step' has no field 'aktion'; did you mean 'action'?")
        refused(lambda: dream.ask({"do": "look", "count": 3}), "'look' has no field 'count'")
        refused(lambda: dream.ask({"do": "step", "action": right, "actions": [right]}), "one of them was expected")
        assert dream.look()["step"] == stood
        refused(lambda: dream.ask({"do": 3}), "text")
        refused(lambda: dream.step([0.0, 1.0, 2.0]), "an action of this world has 1 value")
        for choice in (9.0, -4.0, 0.4, 1e30):
            refused(lambda: dream.step([choice]), "is no action; one of the choices 0 (left) to 2 (right) was expected")
        refused(lambda: dream.ask({"do": "step", "action": [float("nan")]}), "hold numbers")
        refused(lambda: dream.step(count=0), "count")
        stands = dream.look()["step"]
        refused(lambda: dream.step(frames=["film"]), "no picture 'film'")
        assert dream.look()["step"] == stands, "what is refused has not been done"
        refused(lambda: dream.step(probes=["latent/y"]), "no probe 'latent/y'")
        refused(lambda: dream.knob("tauu", 1), "tauu")
        refused(lambda: dream.knob(knob["name"], 1e9), "is a number from")
        refused(lambda: dream.couple("loosely"), "drift, anchored")
        refused(lambda: dream.go_to(10 ** 9), "not kept")
        refused(lambda: dream.ask([1]), "object")
        assert dream.ask({"do": "look", "id": "mine"})["id"] == "mine", "and the dream goes on"

        # Others have dreams of their own, and what they do wrong is theirs.
        where = dream.where
        other = Dream(where)
        dream.start(7), other.start(8)
        mine = dream.step(right)
        other.step(count=5)
        assert dream.look()["step"] == 1 and dream.look()["moment"] == mine["moment"]
        other.close()
        refused(lambda: Dream({**where, "token": "0" * 32}), "first line")
        refused(lambda: Dream({**where, "token": None}), "first line")
        for hostile in (b"GET / HTTP/1.1\r\n", b"\xff\xfe\n", b"[" * 100000 + b"\n", b"a" * (2 << 20),
                        b'{"token": ' + b"[" * 500000 + b"]" * 500000 + b"}\n"):
            with socket.create_connection((where["address"], where["port"]), 20) as stranger:
                try:
                    stranger.sendall(hostile)
                    while stranger.recv(65536):
                        pass
                except (ConnectionResetError, BrokenPipeError):
                    pass
        assert dream.look()["step"] == 1
        with socket.create_connection((where["address"], where["port"]), 20) as guest:  # a guest's own line is no better
            lines = guest.makefile("rwb")
            for line in (json.dumps({"token": where["token"]}).encode(), b'{"do": ' + b"[" * 400000 + b"]" * 400000 + b"}",
                         b'{"do": "look", "id": ' + b"[" * 400000 + b"]" * 400000 + b"}"):
                lines.write(line + b"\n")
                lines.flush()
                said = json.loads(lines.readline())
            assert "nested too deeply" in said["error"], said
        assert dream.look()["step"] == 1


def follows_a_training():
    run = os.path.join(folder, "maze")
    train = [program, "train", "dyna-q", "--env", "DynaMaze", "--out", run, "--quiet", "--threads", "1", "--set"]
    subprocess.run([*train, "train.steps=1500"], check=True, stdout=subprocess.DEVNULL)
    with Dream(run, program, arguments=("--threads", "1")) as dream:
        news = dream.training(weights=True)
        first = next(news)
        assert first["event"] == "training" and first["phases"][0]["progress"] == 1 and not first["trained_by"], first["phases"]
        subprocess.run([*train, "train.steps=3000", "--resume"], check=True, stdout=subprocess.DEVNULL)
        second = next(news)
        while second["phases"][0]["progress"] < 1 or not second["curves"]:
            second = next(news)
        for name, curve in second["curves"].items():
            if name in first["curves"] and name.startswith("learn/"):
                assert curve["x"][0] > first["curves"][name]["x"][-1], name
        dream.step(count=3)


def says_what_is_wrong():
    refused(lambda: Dream(os.path.join(folder, "nothing"), program), "nothing")
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    refused(lambda: Dream(catch, program, arguments=("--port", str(taken.getsockname()[1]))), "another program has it")


drives_without_a_dream()
drives_and_reads()
follows_a_training()
says_what_is_wrong()
print("as it should be")
