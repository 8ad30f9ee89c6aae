"""Golden loss curves for test/networks.test.ts: python3 test/golden/networks.py (numpy, in float64).

Ten optimizer steps of each network from hashed weights and inputs. Written from the formulas of the papers, not from
the engine: every gradient is checked against finite differences before anything is written.
"""
import copy
import json
import pathlib

import numpy as np

STEPS = 10
MASK = 0xFFFFFFFF


def hashed(stream, *shape):
    """Multiples of 2^-23 in [-1, 1): the same in float32, float64 and JavaScript."""
    out = np.empty(int(np.prod(shape)))
    for i in range(out.size):
        h = (i * 0x9E3779B1 + stream * 0x85EBCA6B) & MASK
        for shift, factor in ((15, 0x2C1B3C6D), (12, 0x297A2D39), (15, 1)):
            h = (h ^ (h >> shift)) * factor & MASK
        out[i] = (h >> 8) / 2**23 - 1
    return out.reshape(shape)


def philox(counter, key):
    """Philox4x32-10 (Salmon et al. 2011)."""
    c, (k0, k1) = list(counter), key
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k0, b & MASK, (a >> 32) ^ c[3] ^ k1, a & MASK]
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c


# The known answer of the authors' Random123 library for zeros.
assert philox([0] * 4, (0, 0)) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


class Dense:
    def __init__(self, inputs, width, activation):
        self.w, self.b = np.zeros((inputs, width)), np.zeros(width)
        self.slope = {"none": 1.0, "relu": 0.0, "leaky_relu": 0.2}[activation]

    def forward(self, x, _train, _t):
        self.x = x
        self.z = x @ self.w + self.b
        return np.where(self.z > 0, self.z, self.slope * self.z)

    def backward(self, dy):
        dz = np.where(self.z > 0, dy, self.slope * dy)
        self.grads = {"w": self.x.T @ dz, "b": dz.sum(axis=0)}
        return dz @ self.w.T


class BatchNorm:
    def __init__(self, width):
        self.gamma, self.beta = np.ones(width), np.zeros(width)
        self.mean, self.var = np.zeros(width), np.ones(width)

    def forward(self, x, train, _t):
        self.train, mean, var = train, self.mean, self.var
        if train:
            mean, var = x.mean(axis=0), x.var(axis=0)
            self.mean = 0.9 * self.mean + 0.1 * mean
            self.var = 0.9 * self.var + 0.1 * x.var(axis=0, ddof=1)
        self.scale = 1 / np.sqrt(var + 1e-5)
        self.hat = (x - mean) * self.scale
        return self.gamma * self.hat + self.beta

    def backward(self, dy):
        self.grads = {"gamma": (dy * self.hat).sum(axis=0), "beta": dy.sum(axis=0)}
        dhat = dy * self.gamma
        if self.train:
            dhat = dhat - dhat.mean(axis=0) - self.hat * (dhat * self.hat).mean(axis=0)
        return dhat * self.scale


class Dropout:
    grads = {}

    def __init__(self, p, seed):
        self.p, self.seed = p, seed

    def forward(self, x, train, t):
        if not train:
            self.keep = 1.0
            return x
        words = [philox([i, t, 0, 2], (self.seed, 0)) for i in range(-(-x.size // 4))]
        bits = np.array(words).ravel()[: x.size].reshape(x.shape)
        self.keep = (bits >= self.p * 2**32) / (1 - self.p)
        return x * self.keep

    def backward(self, dy):
        return dy * self.keep


class RowMean:
    grads = {}

    def __init__(self, rows):
        self.rows = rows

    def forward(self, x, _train, _t):
        return x.reshape(-1, self.rows, x.shape[1]).mean(axis=1)

    def backward(self, dy):
        return np.repeat(dy / self.rows, self.rows, axis=0)


class Stack:
    """A network and its parameters by name, `layer.parameter`."""

    def __init__(self, layers):
        self.layers = layers

    def parameters(self):
        names = ("w", "b", "gamma", "beta")
        return {f"{i}.{n}": getattr(l, n) for i, l in enumerate(self.layers) for n in names if hasattr(l, n)}

    def forward(self, x, train, t):
        for layer in self.layers:
            x = layer.forward(x, train, t)
        return x

    def backward(self, dy):
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return {f"{i}.{n}": g for i, l in enumerate(self.layers) for n, g in l.grads.items()}


class Generator:
    """Linear, sigmoid, and a convolution with kernel = stride = rank over each row of hidden values."""

    def __init__(self, rows, width, rank, noise):
        self.a, self.b = np.zeros((noise, width * rank)), np.zeros(width * rank)
        self.kernel, self.bias = np.zeros((rows, rank)), np.zeros(rows)
        self.width, self.rank = width, rank

    def parameters(self):
        return {"a": self.a, "b": self.b, "kernel": self.kernel, "bias": self.bias}

    def forward(self, z, _train, _t):
        self.z = z
        self.h = 1 / (1 + np.exp(-(z @ self.a + self.b)))
        blocks = self.h.reshape(len(z), self.width, self.rank)
        return np.einsum("sk,bjk->bsj", self.kernel, blocks) + self.bias[:, None]

    def backward(self, dy):
        blocks = self.h.reshape(len(self.z), self.width, self.rank)
        dh = np.einsum("bsj,sk->bjk", dy, self.kernel).reshape(self.h.shape) * self.h * (1 - self.h)
        return {
            "a": self.z.T @ dh,
            "b": dh.sum(axis=0),
            "kernel": np.einsum("bsj,bjk->sk", dy, blocks),
            "bias": dy.sum(axis=(0, 2)),
        }


def adam(lr, beta1):
    m, v, t = {}, {}, 0

    def step(w, g):
        nonlocal t
        t += 1
        for n in w:
            m[n] = beta1 * m.get(n, 0) + (1 - beta1) * g[n]
            v[n] = 0.999 * v.get(n, 0) + 0.001 * g[n] ** 2
            w[n] -= lr * (m[n] / (1 - beta1**t)) / (np.sqrt(v[n] / (1 - 0.999**t)) + 1e-8)

    return step


def rmsprop(lr):
    v = {}

    def step(w, g):
        for n in w:
            v[n] = 0.99 * v.get(n, 0) + 0.01 * g[n] ** 2
            w[n] -= lr * g[n] / (np.sqrt(v[n]) + 1e-8)

    return step


def mse(y, target):
    return ((y - target) ** 2).mean(), 2 * (y - target) / y.size


def bce(z, target):
    return (np.logaddexp(0, z) - z * target).mean(), (1 / (1 + np.exp(-z)) - target) / z.size


def linear(y, c):
    return (c * y).sum(), c


def check_gradients(network, x, loss, target, train):
    def value():
        return loss(network.forward(x, train, 0), target)[0]

    y = network.forward(x, train, 0)
    grads = network.backward(loss(y, target)[1])
    for name, w in network.parameters().items():
        direction = hashed(99, *w.shape)
        kept, eps = w.copy(), 1e-6
        w += eps * direction
        above = value()
        w -= 2 * eps * direction
        slope = (above - value()) / (2 * eps)
        w[...] = kept
        assert np.isclose(slope, (grads[name] * direction).sum(), rtol=1e-6, atol=1e-9), name


def curve(network, x, loss, target, optimizer, trains):
    """`trains[t]`: whether step t is taken with batch statistics and dropout."""
    for stream, (name, w) in enumerate(network.parameters().items(), start=1):
        w[...] = hashed(stream, *w.shape) / 4 + (1 if name.endswith("gamma") else 0)
    for train in (True, False):
        check_gradients(copy.deepcopy(network), x, loss, target, train)
    losses = []
    for t, train in enumerate(trains):
        value, dy = loss(network.forward(x, train, t), target)
        losses.append(float(value))
        optimizer(network.parameters(), network.backward(dy))
    return {"losses": losses, "final": network.forward(x, False, STEPS).ravel().tolist()}


def flat_critic(inputs, width):
    seed = philox([0] * 4, (SEED, 0))[0]  # the first word that Random(SEED) draws
    return Stack([
        Dense(inputs, width, "relu"),
        BatchNorm(width),
        Dense(width, 2 * width, "relu"),
        Dropout(0.5, seed),
        Dense(2 * width, width, "leaky_relu"),
        Dense(width, 1, "none"),
    ])


def set_critic(inputs, width, rows):
    hidden = [Dense(inputs, width, "relu"), Dense(width, width, "relu")]
    return Stack([*hidden, RowMean(rows), Dense(width, width, "relu"), Dense(width, 1, "none")])


def discriminator(inputs, first, second):
    hidden = [Dense(inputs, first, "leaky_relu"), Dense(first, second, "leaky_relu")]
    return Stack([*hidden, Dense(second, 1, "none")])


SEED = 5
always = [True] * STEPS
third = [t % 3 != 0 for t in range(STEPS)]  # the published critic: every third step in eval mode
z, sets = hashed(50, 3, 6), hashed(51, 10, 21)
rows, table = hashed(52, 54, 5), hashed(53, 14, 5)
push, scores = hashed(60, 3, 7, 5), hashed(61, 10, 1) / 2 + 0.5
set_scores, real = scores[:9], np.where(np.arange(14) < 7, 0.9, 0.0)[:, None]

golden = {
    "numpy": np.__version__,
    "generator, adam": curve(Generator(7, 5, 4, 6), z, linear, push, adam(0.01, 0.5), always),
    "generator, rmsprop": curve(Generator(7, 5, 5, 6), z, linear, push, rmsprop(0.01), always),
    "flat critic, adam": curve(flat_critic(21, 8), sets, mse, scores, adam(0.01, 0.9), always),
    "flat critic, rmsprop, every third step in eval mode": curve(
        flat_critic(21, 8), sets, mse, scores, rmsprop(0.003), third
    ),
    "set critic, adam": curve(set_critic(5, 8, 6), rows, mse, set_scores, adam(0.01, 0.9), always),
    "discriminator, adam": curve(discriminator(5, 9, 6), table, bce, real, adam(0.01, 0.9), always),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden, indent=1) + "\n")
