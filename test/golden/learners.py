"""Golden vectors of logistic.test.ts, tree.test.ts and metrics.test.ts: scikit-learn's answers on seeded data.

    pip install scikit-learn==1.9.1 imbalanced-learn && python test/golden/learners.py
"""
import json
import math
from pathlib import Path

import numpy as np
from imblearn.metrics import geometric_mean_score
from sklearn import metrics as m
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

here = Path(__file__).parent


def tidy(a, digits=12):
    return [float(f"%.{digits}g" % v) for v in np.asarray(a, dtype=float).ravel()]


def logistic(name, rows, cols, classes, seed, weighted=False, C=1.0, correlated=False):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, cols))
    if correlated:
        x = x @ rng.normal(size=(cols, cols)) + rng.normal(size=cols) * 5
    x = np.round(x, 2).astype(np.float32)
    z = x.astype(float) @ rng.normal(size=(cols, classes)) / math.sqrt(cols) + rng.gumbel(size=(rows, classes))
    y = z.argmax(1)
    w = np.round(rng.exponential(size=rows), 2) * (rng.random(rows) > 0.1) if weighted else None
    model = LogisticRegression(C=C, tol=1e-12, max_iter=1000, solver="newton-cholesky")
    model.fit(x.astype(float), y, sample_weight=w)
    test = x[:20]
    return {
        "name": name, "rows": rows, "cols": cols, "classes": classes, "C": C,
        "x": [round(float(v), 2) for v in x.ravel()], "y": y.tolist(),
        "weights": None if w is None else w.tolist(),
        "coefficients": tidy(np.hstack([model.coef_, model.intercept_[:, None]])),
        "proba": tidy(model.predict_proba(test.astype(float))),
    }


def tree(name, rows, cols, classes, seed, criterion="gini", depth=4, leaf=1, weighted=False):
    rng = np.random.default_rng(seed)
    # continuous values and leaves of several rows: no two splits are equally good
    x = np.round(rng.normal(size=(rows, cols)), 5).astype(np.float32)
    y = (x @ rng.normal(size=(cols, classes)) + 0.7 * rng.gumbel(size=(rows, classes))).argmax(1)
    w = np.round(rng.exponential(size=rows) + 0.01, 3) if weighted else None
    model = DecisionTreeClassifier(criterion=criterion, max_depth=depth, min_samples_leaf=leaf, random_state=0)
    t = model.fit(x, y, sample_weight=w).tree_
    split = t.feature >= 0
    return {
        "name": name, "rows": rows, "cols": cols, "classes": classes,
        "criterion": criterion, "maxDepth": depth, "minLeaf": leaf,
        "x": [round(float(v), 5) for v in x.ravel()], "y": y.tolist(),
        "weights": None if w is None else w.tolist(),
        "feature": np.where(split, t.feature, -1).tolist(), "threshold": tidy(np.where(split, t.threshold, 0)),
        "left": t.children_left.tolist(), "right": t.children_right.tolist(), "impurity": tidy(t.impurity),
        "samples": t.n_node_samples.tolist(), "value": tidy(t.value[:, 0] * t.weighted_n_node_samples[:, None]),
        "importances": tidy(model.feature_importances_), "proba": tidy(model.predict_proba(x[:20])),
    }


def measure(name, y, p):
    y, p = np.asarray(y), np.asarray(p, dtype=float)
    classes = p.shape[1]
    # ties of the argmax go to the higher class
    labels = classes - 1 - p[:, ::-1].argmax(1)
    two = classes == 2
    score = p[:, 1] if two else p
    every = list(range(classes))
    return {
        "name": name, "classes": classes, "y": y.tolist(), "proba": p.ravel().tolist(),
        "values": {
            "f1": m.f1_score(y, labels) if two else m.f1_score(y, labels, average="macro"),
            "f1_macro": m.f1_score(y, labels, average="macro"),
            "roc_auc": m.roc_auc_score(y, score) if two else m.roc_auc_score(y, score, multi_class="ovr"),
            "average_precision": m.average_precision_score(y, score) if two
            else m.average_precision_score(np.eye(classes)[y], score, average="macro"),
            "balanced_accuracy": m.balanced_accuracy_score(y, labels),
            "mcc": m.matthews_corrcoef(y, labels),
            "g_mean": geometric_mean_score(y, labels, labels=every, average="multiclass"),
            "brier": m.brier_score_loss(y, score),
            "log_loss": m.log_loss(y, p, labels=every),
        },
    }


def metrics():
    rng = np.random.default_rng(7)
    cases = []
    for name, rows, classes, steps in [
        ("two classes", 60, 2, 0), ("two classes, ties", 80, 2, 8), ("rare positives", 200, 2, 0),
        ("three classes", 70, 3, 0), ("three classes, ties", 90, 3, 5), ("five classes", 120, 5, 0),
    ]:
        share = [0.95, 0.05] if name == "rare positives" else [1 / classes] * classes
        y = rng.choice(classes, size=rows, p=share)
        p = rng.dirichlet(np.ones(classes), size=rows) * 0.6 + 0.4 * np.eye(classes)[y] * rng.random((rows, 1))
        if steps:
            p = np.round(p * steps) + 0.25
        p = p / p.sum(1, keepdims=True)
        cases.append(measure(name, y, p))
    sure = np.array([[1, 0], [0, 1], [1, 0], [0, 1.0], [0.5, 0.5]])
    cases.append(measure("certain, one of them wrong", [0, 1, 1, 1, 0], sure))
    return cases


(here / "logistic.json").write_text(json.dumps([
    logistic("narrow", 120, 4, 2, 1),
    logistic("weighted, some by zero", 150, 5, 2, 2, weighted=True),
    logistic("correlated and not centred", 200, 8, 2, 3, correlated=True, C=10.0),
    logistic("three classes", 150, 4, 3, 4),
    logistic("four classes, weighted", 180, 3, 4, 5, weighted=True, C=0.5),
    logistic("wide", 60, 300, 2, 6),
    logistic("wide, three classes", 45, 120, 3, 8),
]))
(here / "trees.json").write_text(json.dumps([
    tree("two classes", 200, 4, 2, 1, leaf=6),
    tree("two classes, weighted, entropy", 200, 4, 2, 2, "entropy", weighted=True, leaf=6),
    tree("three classes, leaves of 8", 250, 5, 3, 3, leaf=8, depth=5),
    tree("four classes, weighted", 250, 3, 4, 4, weighted=True, leaf=5),
    tree("five classes, entropy", 250, 4, 5, 5, "entropy", depth=3),
]))
(here / "metrics.json").write_text(json.dumps(metrics()))
