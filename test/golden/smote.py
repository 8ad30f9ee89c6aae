"""Golden neighbours and moments for test/rivals.test.ts: python3 test/golden/smote.py (imbalanced-learn)."""
import json
import pathlib

import imblearn
import numpy as np
from imblearn.over_sampling import SMOTE, SMOTENC

rng = np.random.default_rng(11)


def f32(x):
    return np.asarray(x, dtype=np.float32)


def moments(rows):
    return {"mean": rows.mean(axis=0).tolist(), "covariance": np.cov(rows.T).tolist()}


# 12 rows of the rare class among 40, three features of different spread.
x = f32(np.vstack([rng.normal(size=(28, 3)), rng.normal(1.0, (0.5, 2.0, 1.0), size=(12, 3))]))
y = np.array([0] * 28 + [1] * 12)
plain = SMOTE(k_neighbors=5, random_state=0).fit(x, y)
plain.fit_resample(x, y)
neighbours = plain.nn_k_.kneighbors(x[y == 1], return_distance=False)[:, 1:]
many, labels = SMOTE(k_neighbors=5, random_state=1).fit_resample(
    np.vstack([x, rng.normal(size=(60_000, 3))]).astype(np.float32), np.r_[y, np.zeros(60_000, int)]
)
new = many[60_040:].astype(float)
assert (labels[60_040:] == 1).all() and len(new) == 60_028 - 12

# Two continuous features and two categorical columns of 3 and 2 values.
continuous = f32(np.vstack([rng.normal(size=(20, 2)), rng.normal(0.5, (1.0, 1.5), size=(11, 2))]))
codes = np.column_stack([rng.integers(0, 3, 31), rng.integers(0, 2, 31)])
codes[:3, 0], codes[:2, 1] = (0, 1, 2), (0, 1)
labels = np.array([0] * 20 + [1] * 11)
mixed = np.column_stack([continuous, codes])
nc = SMOTENC(categorical_features=[2, 3], k_neighbors=4, random_state=0)
nc.fit_resample(mixed, labels)
onehot = np.column_stack([codes[:, [0]] == np.arange(3), codes[:, [1]] == np.arange(2)]).astype(float)
rare = labels == 1
embedded = np.column_stack([continuous, onehot * nc.median_std_[1] / np.sqrt(2)])[rare]
nc_neighbours = nc.nn_k_.kneighbors(embedded, return_distance=False)[:, 1:]
np.testing.assert_allclose(nc.nn_k_._fit_X.toarray(), embedded, rtol=1e-6)

golden = {
    "imblearn": imblearn.__version__,
    "smote": {"x": x.tolist(), "y": y.tolist(), "k": 5, "neighbours": neighbours.tolist(), "rows": len(new), **moments(new)},
    "smotenc": {
        "x": np.column_stack([continuous, onehot]).tolist(),
        "y": labels.tolist(),
        "groups": [[2, 3, 4], [5, 6]],
        "k": 4,
        "neighbours": nc_neighbours.tolist(),
    },
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
