"""Golden neighbourhoods for test/oversamplers.test.ts: python3 test/golden/borderline.py (imbalanced-learn)."""
import json
import pathlib

import imblearn
import numpy as np
from imblearn.over_sampling import ADASYN, BorderlineSMOTE
from sklearn.neighbors import NearestNeighbors

rng = np.random.default_rng(5)
x = np.vstack([rng.normal(size=(60, 2)), rng.normal(1.2, 0.8, size=(14, 2))]).astype(np.float32)
y = np.array([0] * 60 + [1] * 14)

borderline = BorderlineSMOTE(random_state=0)
borderline.fit_resample(x, y)
danger = borderline._in_danger_noise(borderline.nn_m_, x[y == 1], 1, y, kind="danger")

# ADASYN's shares, as it draws from them: the ratio of other classes among the five nearest, scaled to what lacks.
adasyn = ADASYN(random_state=0)
_, labels = adasyn.fit_resample(x, y)
near = NearestNeighbors(n_neighbors=6).fit(x).kneighbors(x[y == 1], return_distance=False)[:, 1:]
ratio = (y[near] != 1).sum(axis=1) / 5
shares = np.rint(ratio / ratio.sum() * (60 - 14)).astype(int)
assert shares.sum() == (labels == 1).sum() - 14

golden = {
    "imblearn": imblearn.__version__,
    "x": x.tolist(),
    "y": y.tolist(),
    "danger": np.flatnonzero(danger).tolist(),
    "shares": shares.tolist(),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
