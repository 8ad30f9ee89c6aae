"""Golden resized images for test/image.test.ts: python3 test/golden/images.py (Pillow, NumPy)."""
import base64
import json
import pathlib

import numpy as np
import PIL
from PIL import Image

rng = np.random.default_rng(5)


def over_white(image):
    """Channels in [0, 1], alpha composited on white."""
    x = image.astype(float) / 255
    return x if x.shape[2] < 4 else x[..., :3] * x[..., 3:] + 1 - x[..., 3:]


def pillow(x, width, height):
    """Pillow's BOX is the mean of an area where sizes divide; by channel in floats, so that nothing is rounded."""
    planes = [Image.fromarray(x[..., c].astype(np.float32), "F").resize((width, height), Image.BOX) for c in range(x.shape[2])]
    return np.stack([np.asarray(plane, dtype=float) for plane in planes], axis=2)


def areas(x, width, height):
    """The mean of the area for any sizes: each pixel is cut into as many as both sizes need."""
    fine = np.repeat(np.repeat(x, height, axis=0), width, axis=1)
    return fine.reshape(height, x.shape[0], width, x.shape[1], x.shape[2]).mean(axis=(1, 3))


cases = []
for (width, height, channels), (w, h), method in [
    ((16, 8, 3), (4, 4), pillow),
    ((12, 18, 4), (4, 3), pillow),
    ((10, 10, 1), (5, 2), pillow),
    ((7, 5, 3), (3, 4), areas),
    ((13, 9, 4), (5, 5), areas),
    ((3, 2, 3), (7, 5), areas),
    ((11, 6, 1), (4, 4), areas),
]:
    image = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    row = method(over_white(image), w, h)
    cases.append({
        "from": [width, height, channels],
        "to": [w, h],
        "method": method.__name__,
        "bytes": base64.b64encode(image.tobytes()).decode(),
        "row": row.ravel().tolist(),
    })

golden = {"pillow": PIL.__version__, "numpy": np.__version__, "cases": cases}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
