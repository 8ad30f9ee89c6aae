"""Golden vectors for test/statistics.test.ts: python3 test/golden/statistics.py (scipy)."""
import json
import pathlib

import numpy as np
import scipy
from scipy import stats

rng = np.random.default_rng(7)


def wilcoxon(differences, **kwargs):
    found = stats.wilcoxon(differences, **kwargs)
    return {"differences": list(map(float, differences)), "statistic": float(found.statistic), "p": float(found.pvalue)}


def friedman(scores):
    found = stats.friedmanchisquare(*scores.T)
    n, k = scores.shape
    f = (n - 1) * found.statistic / (n * (k - 1) - found.statistic)
    return {
        "scores": scores.tolist(),
        "chiSquared": float(found.statistic),
        "p": float(found.pvalue),
        "f": float(f),
        "pF": float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))),
        "meanRanks": stats.rankdata(-scores, axis=1).mean(axis=0).tolist(),
    }


def corrected_t(differences, share):
    n = len(differences)
    t = differences.mean() / np.sqrt((1 / n + (1 - share) / share) * differences.var(ddof=1))
    return {"differences": differences.tolist(), "trainShare": share, "p": float(2 * stats.t.sf(abs(t), n - 1))}


a, b = rng.normal(size=40), rng.normal(0.4, 1.3, size=55)
tied = rng.integers(0, 6, size=30).astype(float)
golden = {
    "scipy": scipy.__version__,
    "normalCdf": [[z, float(stats.norm.cdf(z))] for z in (-8.0, -3.1, -1.0, -0.2, 0.0, 0.7, 1.96, 5.0)],
    "chiSquaredCdf": [[x, d, float(stats.chi2.cdf(x, d))] for x in (0.01, 0.9, 4.2, 40.0) for d in (1, 2, 7, 30)],
    "chiSquaredTail": [[x, d, float(stats.chi2.sf(x, d))] for x in (0.01, 0.9, 4.2, 80.0) for d in (1, 2, 7, 30)],
    "studentTCdf": [[t, d, float(stats.t.cdf(t, d))] for t in (-12.0, -2.1, -0.3, 0.0, 0.8, 6.0) for d in (1, 4, 14, 200)],
    "fTail": [[f, p, q, float(stats.f.sf(f, p, q))] for f in (0.1, 1.0, 3.7, 20.0) for p, q in ((1, 5), (5, 105), (7, 14))],
    "logGamma": [[x, float(scipy.special.gammaln(x))] for x in (0.1, 0.5, 1.0, 1.5, 2.0, 7.25, 120.0)],
    "wilcoxon": [
        wilcoxon(rng.normal(0.3, 1, size=n)) for n in (1, 2, 5, 12, 22, 50)
    ]
    # Ties and zeros: every sign pattern is enumerated.
    + [
        wilcoxon(np.array(d), method=stats.PermutationMethod(n_resamples=np.inf))
        for d in ([1.0, 1.0, -1.0, 2.0, 3.0], [0.0, 0.0, 1.0, -2.0, 2.0, 2.0, 5.0], [1.0] * 8, [-1.0, 1.0] * 5)
    ]
    + [
        wilcoxon(rng.normal(0.2, 1, size=80), method="asymptotic"),
        wilcoxon(rng.integers(-4, 7, size=120).astype(float), method="asymptotic"),
    ],
    "friedman": [friedman(rng.normal(size=(9, 4)) + np.arange(4) / 3), friedman(rng.integers(0, 4, size=(12, 5)) / 3.0)],
    "correctedT": [corrected_t(rng.normal(0.05, 0.08, size=5), 0.8), corrected_t(rng.normal(0.05, 0.08, size=15), 0.8)],
    "correlation": {
        "a": a.tolist(),
        "b": (a * 0.6 + b[:40]).tolist(),
        "pearson": float(stats.pearsonr(a, a * 0.6 + b[:40]).statistic),
        "spearman": float(stats.spearmanr(a, a * 0.6 + b[:40]).statistic),
        "tiedA": tied.tolist(),
        "tiedB": np.roll(tied, 3).tolist(),
        "tiedSpearman": float(stats.spearmanr(tied, np.roll(tied, 3)).statistic),
    },
    "ks": [
        {"a": a.tolist(), "b": b.tolist(), "distance": float(stats.ks_2samp(a, b).statistic)},
        {"a": tied.tolist(), "b": (tied[:11] + 1).tolist(), "distance": float(stats.ks_2samp(tied, tied[:11] + 1).statistic)},
    ],
    "quantile": {"values": b.tolist(), "at": [[q, float(np.quantile(b, q))] for q in (0, 0.1, 0.5, 0.77, 1)]},
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden, indent=1) + "\n")
