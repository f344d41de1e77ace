#!/usr/bin/env python3
"""A peer's score for the cards of small runs: DQN (Stable-Baselines3) after as many steps as ours made. One thread.

    pip install torch stable-baselines3 minatar
    python bench/peer_dqn.py breakout --steps 87000
    python bench/peer_dqn.py catch --steps 90000

MinAtar, from planes: network and constants are those of Young & Tian 2019 (arXiv:1903.03176): 16 filters of 3 x 3, 128 units,
RMSprop, replay of 100,000, ε from 1 to 0.1 over the first 100,000 steps (here over --explore of them), all six actions, sticky
with probability 0.1. Loss and clipping are Stable-Baselines3's own. The paper trains for 5 million steps; what is printed is
what the same agent knows after few.

Catch, from pictures of 64 x 64: Stable-Baselines3's own constants and convolutions (those of Mnih et al. 2015).
"""
import argparse
import time

import gymnasium
import minatar
import numpy as np
import torch
from stable_baselines3 import DQN
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor


class Planes(gymnasium.Env):
    """State [n, 10, 10] of 0 and 1; an episode is cut after 5,000 steps, as ours are."""

    def __init__(self, game):
        self.game = minatar.Environment(game, sticky_action_prob=0.1)
        height, width, planes = self.game.state_shape()
        self.observation_space = gymnasium.spaces.Box(0, 1, (planes, height, width), np.float32)
        self.action_space = gymnasium.spaces.Discrete(self.game.num_actions())

    def look(self):
        return self.game.state().transpose(2, 0, 1).astype(np.float32)

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.game.seed(seed)
        self.game.reset()
        self.steps = 0
        return self.look(), {}

    def step(self, action):
        reward, done = self.game.act(int(action))
        self.steps += 1
        return self.look(), float(reward), bool(done), self.steps >= 5000, {}


class Catch(gymnasium.Env):
    """The rules of core/env/catch.cpp and its picture with plain squares: ten columns, ten rows, six pixels a cell."""

    observation_space = gymnasium.spaces.Box(0, 255, (64, 64, 3), np.uint8)
    action_space = gymnasium.spaces.Discrete(3)

    def look(self):
        picture = np.full((64, 64, 3), 20, np.uint8)
        for column, row, colour in ((self.paddle, 9, (90, 160, 230)), (self.ball, self.row, (240, 180, 60))):
            picture[2 + 6 * row:8 + 6 * row, 2 + 6 * column:8 + 6 * column] = colour
        return picture

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.ball, self.row, self.paddle = int(self.np_random.integers(10)), 0, 5
        return self.look(), {}

    def step(self, action):
        self.paddle = min(max(self.paddle + int(action) - 1, 0), 9)
        self.row += 1
        done = self.row == 9
        return self.look(), (1.0 if self.ball == self.paddle else -1.0) if done else 0.0, done, False, {}


class Filters(BaseFeaturesExtractor):
    def __init__(self, space):
        super().__init__(space, 128)
        self.net = torch.nn.Sequential(torch.nn.Conv2d(space.shape[0], 16, 3), torch.nn.ReLU(), torch.nn.Flatten(),
                                       torch.nn.Linear(16 * 8 * 8, 128), torch.nn.ReLU())

    def forward(self, state):
        return self.net(state)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("game", choices=["asterix", "breakout", "catch", "freeway", "seaquest", "space_invaders"])
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--explore", type=int, help="steps over which ε falls; default: half of --steps, at most 100,000")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--episodes", type=int, default=100)
    args = parser.parse_args()
    torch.set_num_threads(1)
    world = Catch if args.game == "catch" else lambda: Planes(args.game)
    explore = args.explore or min(100_000, args.steps // 2)
    policy = dict(features_extractor_class=Filters, net_arch=[], normalize_images=False,
                  optimizer_class=torch.optim.RMSprop, optimizer_kwargs=dict(alpha=0.95, eps=0.01, centered=True))
    began = time.time()
    if args.game == "catch":
        agent = DQN("CnnPolicy", world(), buffer_size=args.steps, seed=args.seed, device="cpu")
    else:
        agent = DQN("MlpPolicy", world(), learning_rate=2.5e-4, buffer_size=100_000, learning_starts=5_000, batch_size=32,
                    gamma=0.99, train_freq=1, target_update_interval=1_000, exploration_fraction=min(1.0, explore / args.steps),
                    exploration_final_eps=0.1, policy_kwargs=policy, seed=args.seed, device="cpu")
    agent.learn(args.steps)
    minutes = (time.time() - began) / 60
    returns = []
    unseen = world()
    for episode in range(args.episodes):
        state, _ = unseen.reset(seed=1_000_000 + episode)
        total, done = 0.0, False
        while not done:
            state, reward, terminated, truncated, _ = unseen.step(agent.predict(state, deterministic=True)[0])
            total, done = total + reward, terminated or truncated
        returns.append(total)
    print(f"DQN, {args.game}, {args.steps} steps, {minutes:.1f} min: {np.mean(returns):.2f} ± {np.std(returns):.2f} "
          f"over {args.episodes} unseen episodes")


if __name__ == "__main__":
    main()
