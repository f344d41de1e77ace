"""What a search makes of MuZero's networks (Schrittwieser et al. 2020, appendix B): pUCT."""
import math

import torch
from torch.nn import functional as F


class Node:
    def __init__(self, s, policy, value):
        self.s, self.policy, self.value, self.visits, self.sum = s, policy, value, 0, 0.0
        self.edges = [Edge() for _ in policy]


class Edge:
    reward, live, visits, child = 0.0, 1.0, 0, None

    def q(self, gamma):
        return self.reward + gamma * self.live * self.child.sum / self.child.visits


def visits(agent, s, simulations, gamma, exploration):
    """[choices], the share of the simulations that goes through each, of one state s [1, S]."""
    policy, value = agent.predict(s)
    root, low, high = Node(s, policy[0].tolist(), value.item()), math.inf, -math.inf
    for _ in range(simulations):
        node, path = root, []
        while node is not None:
            weight = exploration + math.log((node.visits + 19652 + 1) / 19652)

            def score(a):
                edge = node.edges[a]
                worth = 0.0 if edge.child is None else edge.q(gamma)
                worth = (worth - low) / (high - low) if edge.child is not None and high > low else worth
                return worth + node.policy[a] * math.sqrt(node.visits) / (1 + edge.visits) * weight
            action = max(range(agent.choices), key=score)
            path.append((node, action))
            node = node.edges[action].child
        parent, action = path[-1]
        s, reward, end = agent.step(parent.s, F.one_hot(torch.tensor([action]), agent.choices).float())
        policy, value = agent.predict(s)
        edge, back = parent.edges[action], value.item()
        edge.reward, edge.live = reward.item(), 1 - end.item()
        edge.child = leaf = Node(s, policy[0].tolist(), back)
        leaf.visits, leaf.sum = 1, back
        for node, action in reversed(path):
            edge = node.edges[action]
            edge.visits += 1
            low, high = min(low, edge.q(gamma)), max(high, edge.q(gamma))
            back = edge.reward + gamma * edge.live * back
            node.visits, node.sum = node.visits + 1, node.sum + back
        low, high = min(low, gamma * root.sum / root.visits), max(high, gamma * root.sum / root.visits)
    return torch.tensor([edge.visits / simulations for edge in root.edges])
