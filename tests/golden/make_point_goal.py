"""Golden traces of PointGoal, read by tests/env/point_goal_test.cpp.

    pip install "numpy==2.4.6"
    python tests/golden/make_point_goal.py

An implementation of its own, by what core/env/point_goal.h says and with the constants of Safety Gymnasium (pseudo lidar,
keepouts, sizes). Writes tests/golden/point_goal/traces.npz, 12 seeds x 250 decisions: layout [12, 20] (the robot, the goal
and the hazards at the start), action [12, 250, 2] float32, vector [12, 250, 22] float32, reward [12, 250], cost
[12, 250], goal [12, 250, 2]. Even seeds hold random thrusts, odd ones drive straight to the goal. Prints what straight
driving returns and costs over 200 seeds, and the share of the arena that hazards cover over 2000.
"""

import pathlib

import numpy as np

OUT = pathlib.Path(__file__).parent / "point_goal"
SEEDS, DECISIONS, REPEAT, TICK = 12, 250, 4, 0.02
EDGE, HAZARD, GOAL, REACH, SECTORS = 1.5, 0.2, 0.3, 3.0, 16
THRUST, DRAG = 6.0, 3.0
KEEP = {"robot": 0.4, "goal": 0.305, "hazard": 0.18}


def away(a, b):
    return np.sqrt((a[..., 0] - b[..., 0]) ** 2 + (a[..., 1] - b[..., 1]) ** 2)


def stream(seed):
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))


def sample(rng, keep):
    return rng.uniform(-(EDGE - keep), EDGE - keep, 2)


class World:
    def __init__(self, seed):
        self.layout = int(stream(seed).integers(2**31))
        rng = stream(self.layout)
        keeps = [KEEP["robot"], KEEP["goal"]] + 8 * [KEEP["hazard"]]
        placed = []
        while len(placed) < len(keeps):
            placed = []
            for keep in keeps:
                for _ in range(100):
                    spot = sample(rng, keep)
                    if all(away(spot, other) >= keep + k for other, k in zip(placed, keeps)):
                        placed.append(spot)
                        break
                else:
                    break
        self.position, self.goal, self.hazards = placed[0], placed[1], np.array(placed[2:])
        self.velocity, self.reached = np.zeros(2), 0
        self.start = np.concatenate(placed)

    def next_goal(self):
        self.reached += 1
        rng = stream(self.layout + (self.reached << 31))
        while True:
            self.goal = sample(rng, KEEP["goal"])
            if away(self.goal, self.position) < KEEP["goal"] + KEEP["robot"]:
                continue
            if np.all(away(self.goal, self.hazards) >= KEEP["goal"] + KEEP["hazard"]):
                return

    def inside(self):
        return bool(np.any(away(self.position, self.hazards) <= HAZARD))

    def step(self, action):
        thrust, reward, cost = np.clip(action.astype(np.float64), -1, 1), 0.0, 0
        for _ in range(REPEAT):
            before = away(self.position, self.goal)
            self.velocity = self.velocity + TICK * (THRUST * thrust - DRAG * self.velocity)
            self.position = self.position + TICK * self.velocity
            beyond = np.abs(self.position) > EDGE
            self.position = np.where(beyond, np.copysign(EDGE, self.position), self.position)
            self.velocity = np.where(beyond, 0.0, self.velocity)
            now = away(self.position, self.goal)
            reward += before - now
            cost += self.inside()
            if now <= GOAL:
                reward += 1
                self.next_goal()
        return reward, cost

    def lidar(self):
        seen, size = np.zeros(SECTORS), 2 * np.pi / SECTORS
        for hazard in self.hazards:
            angle = np.arctan2(*(hazard - self.position)[::-1]) % (2 * np.pi)
            sector = int(angle / size)
            near = max(0.0, 1 - away(hazard, self.position) / REACH)
            alias = angle / size - sector
            for index, value in ((sector, near), (sector + 1, alias * near), (sector - 1, (1 - alias) * near)):
                seen[index % SECTORS] = max(seen[index % SECTORS], value)
        return seen

    def vector(self):
        distance = away(self.goal, self.position)
        towards = (self.goal - self.position) / distance
        near = max(0.0, 1 - distance / REACH)
        return np.concatenate([self.lidar(), towards, [near], self.velocity, [self.inside()]])

    def straight(self):
        towards = self.goal - self.position
        return (towards / np.abs(towards).max()).astype(np.float32)


def main():
    log = {name: [] for name in ("layout", "action", "vector", "reward", "cost", "goal")}
    for seed in range(SEEDS):
        world, rng = World(seed), np.random.default_rng(1000 + seed)
        log["layout"].append(world.start)
        for decision in range(DECISIONS):
            if decision % 6 == 0:
                held = rng.uniform(-1.3, 1.3, 2).astype(np.float32)
            action = held if seed % 2 == 0 else world.straight()
            reward, cost = world.step(action)
            for name, value in zip(list(log)[1:], (action, world.vector(), reward, cost, world.goal)):
                log[name].append(value)
    shape = {"layout": (SEEDS, 20), "reward": (SEEDS, DECISIONS), "cost": (SEEDS, DECISIONS)}
    kind = {"action": np.float32, "vector": np.float32, "cost": np.uint8}
    OUT.mkdir(exist_ok=True)
    np.savez_compressed(
        OUT / "traces.npz",
        **{n: np.array(v, kind.get(n)).reshape(shape.get(n, (SEEDS, DECISIONS, -1))) for n, v in log.items()},
    )

    totals = []
    for seed in range(200):
        world = World(seed)
        totals.append(np.sum([world.step(world.straight()) for _ in range(DECISIONS)], axis=0))
    print("straight driving: return and cost", np.mean(totals, axis=0), "+-", np.std(totals, axis=0))
    print("layouts whose limit of 25 it breaks", np.mean(np.array(totals)[:, 1] > 25))
    rng, covered = np.random.default_rng(0), []
    for seed in range(2000):
        hazards, spots = World(seed).hazards, rng.uniform(-EDGE, EDGE, (500, 1, 2))
        covered.append(np.mean(np.any(away(spots, hazards[None]) <= HAZARD, axis=1)))
    print("share of the arena in hazards", np.mean(covered), "+-", np.std(covered) / np.sqrt(len(covered)))


if __name__ == "__main__":
    main()
