"""Golden vectors of evidence.test.ts: scikit-learn's and SciPy's answers on seeded data.

    pip install scikit-learn==1.9.1 scipy==1.17.1 && python test/golden/evidence.py
"""
import json
import pathlib

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.neighbors import NearestNeighbors

rng = np.random.default_rng(11)
BINS = 10


def binned(hit, shown):
    observed, predicted = calibration_curve(hit, shown, n_bins=BINS, strategy="uniform")
    rows = np.histogram(shown, bins=np.linspace(0, 1, BINS + 1))[0]
    rows = rows[rows > 0]
    ece = float((rows * np.abs(observed - predicted)).sum() / len(hit))
    bins = [{"rows": int(n), "predicted": float(p), "observed": float(o)} for n, p, o in zip(rows, predicted, observed)]
    return {"ece": ece, "bins": bins}


def two_classes(rows):
    p = rng.beta(0.6, 2, size=rows)
    y = (rng.random(rows) < p**1.5).astype(int)
    proba = np.column_stack([1 - p, p])
    return {"y": y.tolist(), "proba": proba.ravel().tolist(), "classes": 2,
            "brier": float(brier_score_loss(y, p)), **binned(y, p)}


def many_classes(rows, classes):
    proba = rng.dirichlet(np.full(classes, 0.5), size=rows)
    y = np.array([rng.choice(classes, p=0.7 * row + 0.3 / classes) for row in proba])
    brier = brier_score_loss(y, proba, labels=np.arange(classes), scale_by_half=False)
    hit, shown = (proba.argmax(1) == y).astype(int), proba.max(1)
    return {"y": y.tolist(), "proba": proba.ravel().tolist(), "classes": classes, "brier": float(brier), **binned(hit, shown)}


def interval(values, share):
    n = len(values)
    scale = np.sqrt((1 / n + (1 - share) / share) * values.var(ddof=1))
    low, high = stats.t.interval(0.95, n - 1, loc=values.mean(), scale=scale)
    return {"values": values.tolist(), "trainShare": share, "low": float(low), "high": float(high)}


def nearest(points, among, leave=False):
    found = NearestNeighbors(n_neighbors=2 if leave else 1).fit(among).kneighbors(points)[0]
    return found[:, -1]


def copies():
    """One class: what the closest records say."""
    train, fresh, made = rng.normal(size=(40, 3)), rng.normal(size=(15, 3)), rng.normal(size=(60, 3))
    made[:20] = train[:20] + rng.normal(size=(20, 3)) * 0.05
    train, fresh, made = [np.round(a, 3).astype(np.float32).astype(float) for a in (train, fresh, made)]
    usual, found = nearest(fresh, train), nearest(made, train)
    told = np.concatenate([nearest(train, made), nearest(fresh, made)])
    return {
        "train": train.ravel().tolist(), "fresh": fresh.ravel().tolist(), "made": made.ravel().tolist(),
        "distance": float(np.median(found)), "baseline": float(np.median(usual)),
        "alone": float(np.median(nearest(train, train, leave=True))),
        "membership": float(roc_auc_score([1] * len(train) + [0] * len(fresh), -told)),
    }


def alike():
    real, made = rng.normal(size=(50, 4)), rng.normal(size=(70, 4))
    real[:, 1] += real[:, 0]
    real, made = [np.round(a, 3).astype(np.float32).astype(float) for a in (real, made)]
    weights = rng.integers(1, 4, size=50) / 2
    cov = np.cov(real.T, aweights=weights, ddof=0)
    corr = cov / np.sqrt(np.outer(np.diag(cov), np.diag(cov)))
    pairs = np.triu_indices(4, 1)
    return {
        "real": real.ravel().tolist(), "made": made.ravel().tolist(), "weights": weights.tolist(),
        "correlation": float(np.abs(corr - np.corrcoef(made.T))[pairs].mean()),
        "ks": [float(stats.ks_2samp(real[:, j], made[:, j]).statistic) for j in range(4)],
    }


golden = {
    "versions": {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__},
    "calibration": [two_classes(300), many_classes(200, 4)],
    "tQuantile": [[p, d, float(stats.t.ppf(p, d))] for p in (0.5, 0.7, 0.975, 0.9995) for d in (1, 4, 14, 99)],
    "interval": [interval(rng.normal(0.4, 0.1, size=5), 0.8), interval(rng.normal(0.4, 0.1, size=15), 2 / 3)],
    "copies": copies(),
    "alike": alike(),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden, indent=1) + "\n")
