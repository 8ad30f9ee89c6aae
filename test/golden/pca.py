"""Principal components by NumPy's SVD: writes pca.json beside this file. Run: python3 test/golden/pca.py"""
import json
import pathlib

import numpy as np


def plane(x):
    centred = x - x.mean(axis=0)
    u, s, vt = np.linalg.svd(centred, full_matrices=False)
    out = []
    for j in range(2):
        if j >= len(s):
            out.append([0.0] * len(x))
            continue
        sign = np.sign(vt[j][np.argmax(np.abs(vt[j]))]) or 1.0
        out.append((sign * u[:, j] * s[j]).tolist())
    share = np.append(s**2, [0, 0])[:2] / (s**2).sum()
    return {"x": out[0], "y": out[1], "explained": share.tolist()}


rng = np.random.default_rng(7)
tall = rng.normal(size=(60, 5)) * [3, 2, 1, 0.5, 0.1] + [100, -5, 0, 1, 2]
mixed = rng.normal(size=(40, 20)) @ rng.normal(size=(20, 20)) / 4
mixed[:, 3] = 2.5
mixed[:, 7] = mixed[:, 2]
wide = rng.normal(size=(6, 30))
single = rng.normal(size=(9, 1))
cases = []
for x in (tall, mixed, wide, single):
    # Values the engine can hold exactly.
    x = x.astype(np.float32).astype(np.float64)
    cases.append({"rows": x.shape[0], "cols": x.shape[1], "data": x.ravel().tolist(), **plane(x)})
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(cases))
