"""The networks' steps in NumPy, float32. Reads "open FILE" and "time COUNT" a line each, answers with a line of JSON.

FILE is a problem as JSON, its tensors as {"shape", "at"}: floats from `at` on in FILE.bin.
"""
import json
import sys
import time

import numpy as np

CHECKED = 3


def dense(layer, x, w, i):
    z = x @ w[f"{i}.w"] + w[f"{i}.b"]
    if layer["activation"] == "relu":
        np.maximum(z, 0, out=z)
    elif layer["activation"] == "leaky_relu":
        np.maximum(z, np.float32(0.2) * z, out=z)
    return z


def dense_grad(layer, x, y, w, i, dy, g, need_input):
    if layer["activation"] == "relu":
        dy = dy * (y > 0)
    elif layer["activation"] == "leaky_relu":
        dy = dy * np.where(y > 0, np.float32(1), np.float32(0.2))
    if g is not None:
        g[f"{i}.w"] = x.T @ dy
        g[f"{i}.b"] = dy.sum(0)
    return dy @ w[f"{i}.w"].T if need_input else None


def batch_norm(x, w, i):
    centred = x - x.mean(0)
    scale = 1 / np.sqrt((centred * centred).mean(0) + np.float32(1e-5))
    normed = centred * scale
    return normed * w[f"{i}.gamma"] + w[f"{i}.beta"], normed, scale


def batch_norm_grad(normed, scale, w, i, dy, g):
    dgamma = (dy * normed).sum(0)
    dbeta = dy.sum(0)
    if g is not None:
        g[f"{i}.gamma"] = dgamma
        g[f"{i}.beta"] = dbeta
    return w[f"{i}.gamma"] * scale * (dy - (dbeta + normed * dgamma) / np.float32(len(dy)))


def through(layers, w, x, judge, mask, g):
    """Loss of a network on x, its parameters' gradients into g; without g, the input's gradient."""
    saved = []
    for i, layer in enumerate(layers):
        kind = layer["kind"]
        if kind == "dense":
            y = dense(layer, x, w, i)
            saved.append((x, y))
        elif kind == "batch_norm":
            y, normed, scale = batch_norm(x, w, i)
            saved.append((normed, scale))
        elif kind == "dropout":
            y = x * mask
            saved.append(None)
        else:
            y = x.reshape(-1, layer["rows"], x.shape[1]).mean(1)
            saved.append(None)
        x = y
    loss, dy = judge(x)
    for i in reversed(range(len(layers))):
        kind = layers[i]["kind"]
        if kind == "dense":
            dy = dense_grad(layers[i], *saved[i], w, i, dy, g, i > 0 or g is None)
        elif kind == "batch_norm":
            dy = batch_norm_grad(*saved[i], w, i, dy, g)
        elif kind == "dropout":
            dy = dy * mask
        else:
            dy = np.repeat(dy / np.float32(layers[i]["rows"]), layers[i]["rows"], 0)
    return loss, dy


def mean_square(target):
    def judge(y):
        error = y - target
        return float((error * error).mean()), error * np.float32(2 / error.size)

    return judge


def cross_entropy(target):
    def judge(z):
        loss = np.maximum(z, 0) - z * target + np.log1p(np.exp(-np.abs(z)))
        sigmoid = 1 / (1 + np.exp(-z))
        return float(loss.mean()), (sigmoid - target) * np.float32(1 / z.size)

    return judge


class NetworkStep:
    def __init__(self, problem):
        self.problem = problem
        self.w = problem["parameters"]
        judge = mean_square if problem["loss"] == "mse" else cross_entropy
        self.judge = judge(problem["target"])
        self.optimizer = {"kind": "adam", "learningRate": problem["learningRate"], "beta1": 0.9, "beta2": 0.999}

    def gradient(self, step):
        problem, g = self.problem, {}
        masks = problem["masks"]
        mask = masks[step % len(masks)] if masks else None
        loss, _ = through(problem["layers"], self.w, problem["x"], self.judge, mask, g)
        return loss, g


class GeneratorStep:
    def __init__(self, problem):
        self.problem = problem
        self.w = problem["parameters"]
        self.optimizer = problem["optimizer"]

    def gradient(self, _step):
        p, w = self.problem, self.w
        sets, rows, width, rank = (p["shape"][key] for key in ("sets", "rows", "width", "rank"))
        h = 1 / (1 + np.exp(-(p["z"] @ w["a"] + w["b"])))
        columns = h.reshape(sets * width, rank)
        y = (w["kernel"] @ columns.T + w["bias"][:, None]).reshape(rows, sets, width).transpose(1, 0, 2)
        loss, dy = self.pull(np.ascontiguousarray(y))
        dy = np.ascontiguousarray(dy.transpose(1, 0, 2)).reshape(rows, sets * width)
        dh = (dy.T @ w["kernel"]).reshape(h.shape) * h * (1 - h)
        return loss, {"a": p["z"].T @ dh, "b": dh.sum(0), "kernel": dy @ columns, "bias": dy.sum(1)}

    def pull(self, y):
        p = self.problem
        one = np.float32(1)
        if not p["perRow"]:
            flat = y.reshape(len(y), -1)
            loss, dx = through(p["critic"], p["criticParameters"], flat, mean_square(one), p.get("mask"), None)
            return loss, dx.reshape(y.shape)
        flat = y.reshape(-1, y.shape[2])
        label = np.tanh(flat[:, -1:] - flat[:, -2:-1])
        x = np.concatenate([flat[:, :-2], label], 1)
        loss, dx = through(p["critic"], p["criticParameters"], x, mean_square(one), None, None)
        if p.get("discriminator"):
            more, dmore = through(p["discriminator"], p["discriminatorParameters"], x, cross_entropy(one), None, None)
            loss, dx = loss + more, dx + dmore
        dlabel = dx[:, -1:] * (1 - label * label)
        return loss, np.concatenate([dx[:, :-1], -dlabel, dlabel], 1).reshape(y.shape)


class Training:
    def __init__(self, step):
        self.step_of = step
        self.count = 0
        self.m = {name: np.zeros_like(value) for name, value in step.w.items()}
        self.v = {name: np.zeros_like(value) for name, value in step.w.items()}

    def step(self):
        loss, g = self.step_of.gradient(self.count)
        self.count += 1
        for name in g:
            self.update(name, g[name].reshape(self.v[name].shape))
        return loss

    def update(self, name, g):
        rule, w, m, v = self.step_of.optimizer, self.step_of.w[name], self.m[name], self.v[name]
        adam = rule["kind"] == "adam"
        decay = rule["beta2"] if adam else rule["alpha"]
        v *= np.float32(decay)
        v += np.float32(1 - decay) * g * g
        rate, scale = rule["learningRate"], v
        if adam:
            beta = rule["beta1"]
            m *= np.float32(beta)
            m += np.float32(1 - beta) * g
            g = m
            rate /= 1 - beta**self.count
            scale = v * np.float32(1 / (1 - decay**self.count))
        w -= np.float32(rate) * g / (np.sqrt(scale) + np.float32(1e-8))


def revive(node, floats):
    """Tensors in place of where they are."""
    if isinstance(node, list):
        return [revive(item, floats) for item in node]
    if not isinstance(node, dict):
        return node
    if "at" in node:
        size = int(np.prod(node["shape"]))
        return floats[node["at"] : node["at"] + size].reshape(node["shape"])
    return {key: revive(value, floats) for key, value in node.items()}


def sample(values):
    values = values.ravel()
    return values[:: -(-values.size // 1000) | 1].tolist()


def answer(command, argument):
    global training
    if command == "open":
        with open(argument) as file:
            problem = revive(json.load(file), np.fromfile(argument + ".bin", np.float32))
        step = NetworkStep(problem) if "layers" in problem else GeneratorStep(problem)
        training = Training(step)
        outputs = {"gradient of " + name: sample(value) for name, value in step.gradient(0)[1].items()}
        outputs["losses"] = [training.step() for _ in range(CHECKED)]
        return outputs
    count = int(argument)
    clocks = {"wall": time.perf_counter, "processor": time.process_time}
    started = {name: clock() for name, clock in clocks.items()}
    for _ in range(count):
        training.step()
    return {name: (clock() - started[name]) * 1000 / count for name, clock in clocks.items()}


training = None
for line in sys.stdin:
    print(json.dumps(answer(*line.rstrip("\n").split(" ", 1))), flush=True)
