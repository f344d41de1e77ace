"""The arithmetic of github.com/ctallec/world-models, models/vae.py, mdrnn.py and controller.py, written anew with its names of layers.
Used by make_script_models.py and make_ctallec.py.
"""
import torch
from torch import nn
from torch.nn import functional as F


class Encoder(nn.Module):
    def __init__(self, channels, latents, width):
        super().__init__()
        sizes = [channels, width, 2 * width, 4 * width, 8 * width]
        for i in range(4):
            setattr(self, f"conv{i + 1}", nn.Conv2d(sizes[i], sizes[i + 1], 4, stride=2))
        self.fc_mu, self.fc_logsigma = nn.Linear(32 * width, latents), nn.Linear(32 * width, latents)

    def forward(self, x):
        for i in range(4):
            x = F.relu(getattr(self, f"conv{i + 1}")(x))
        x = x.view(x.size(0), -1)
        return self.fc_mu(x), self.fc_logsigma(x)


class Decoder(nn.Module):
    def __init__(self, channels, latents, width):
        super().__init__()
        sizes = [32 * width, 4 * width, 2 * width, width, channels]
        self.fc1 = nn.Linear(latents, sizes[0])
        for i, kernel in enumerate((5, 5, 6, 6)):
            setattr(self, f"deconv{i + 1}", nn.ConvTranspose2d(sizes[i], sizes[i + 1], kernel, stride=2))

    def forward(self, z):
        x = F.relu(self.fc1(z))[:, :, None, None]
        for i in range(3):
            x = F.relu(getattr(self, f"deconv{i + 1}")(x))
        return torch.sigmoid(self.deconv4(x))


class MDRNNCell(nn.Module):
    def __init__(self, latents, actions, hiddens, gaussians):
        super().__init__()
        self.latents, self.actions, self.hiddens, self.gaussians = latents, actions, hiddens, gaussians
        self.gmm_linear = nn.Linear(hiddens, (2 * latents + 1) * gaussians + 2)
        self.rnn = nn.LSTMCell(latents + actions, hiddens)

    def forward(self, action, latent, hidden):
        hidden = self.rnn(torch.cat([action, latent], 1), hidden)
        n, k = self.gaussians * self.latents, self.gaussians
        mus, sigmas, pi, last = self.gmm_linear(hidden[0]).split([n, n, k, 2], 1)
        shape = (-1, k, self.latents)
        return mus.view(shape), sigmas.view(shape).exp(), F.log_softmax(pi, 1), last[:, 0], last[:, 1], hidden


class Controller(nn.Module):
    def __init__(self, latents, hiddens, actions):
        super().__init__()
        self.fc = nn.Linear(latents + hiddens, actions)

    def forward(self, *inputs):
        return self.fc(torch.cat(inputs, 1))
