"""Golden principal components for test/components.test.ts: python3 test/golden/components.py (NumPy)."""
import json
import pathlib

import numpy as np

rng = np.random.default_rng(8)
cases = []
for rows, cols, count, decay in [(60, 40, 8, 0.8), (25, 90, 6, 0.7), (200, 12, 12, 0.9)]:
    rank = min(rows, cols)
    spread = decay ** np.arange(rank)
    x = rng.normal(size=(rows, rank)) * spread @ np.linalg.qr(rng.normal(size=(cols, cols)))[0][:rank]
    x = np.round(x - x.mean(axis=0), 4).astype(np.float32)  # short numbers; the mean stays 0 to 4 digits
    u, s, vt = np.linalg.svd(x.astype(float), full_matrices=False)
    cases.append({
        "rows": rows,
        "cols": cols,
        "count": count,
        "data": [round(float(v), 4) for v in x.ravel()],
        "sd": np.round(s[:count] / np.sqrt(rows), 8).tolist(),
        "scores": np.round(np.abs(u[:, :count] * s[:count]), 6).ravel().tolist(),
    })
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps({"numpy": np.__version__, "cases": cases}) + "\n")
