"""Small Parquet files in every encoding and packing that Arrow writes, and what they hold: parquet/ and parquet.json.

pip install pyarrow==26.0.0 && python test/golden/parquet.py
"""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
ROWS = 40


def some(values):
    """Every seventh value is missing."""
    return [None if i % 7 == 3 else value for i, value in enumerate(values)]


COLUMNS = {
    "i32": pa.array(some([(i * 37) % 101 - 50 for i in range(ROWS)]), pa.int32()),
    "i64": pa.array([i * 10**12 // 7 for i in range(ROWS)], pa.int64()),
    "u8": pa.array(some([i * 6 for i in range(ROWS)]), pa.uint8()),
    "f32": pa.array([i / 8 for i in range(ROWS)], pa.float32()),
    "f64": pa.array(some([i / 7 for i in range(ROWS)]), pa.float64()),
    "flag": pa.array(some([i % 3 == 0 for i in range(ROWS)]), pa.bool_()),
    "word": pa.array(some(["abc", "abd", "ü", ""][i % 4] for i in range(ROWS)), pa.string()),
    "text": pa.array([f"row {i // 10} number {i}" for i in range(ROWS)], pa.string()),
    "same": pa.array(["x"] * ROWS, pa.string()),
    "none": pa.array([None] * ROWS, pa.string()),
    "day": pa.array(some([date(2020, 1, 1 + i % 28) for i in range(ROWS)]), pa.date32()),
    "when": pa.array([datetime(2021, 5, 1, i % 24, i) for i in range(ROWS)], pa.timestamp("ms")),
    "price": pa.array(some([Decimal(i * 125) / 100 for i in range(ROWS)]), pa.decimal128(9, 2)),
}
ENCODINGS = {
    "plain": {},
    "delta": {"i32": "DELTA_BINARY_PACKED", "i64": "DELTA_BINARY_PACKED", "word": "DELTA_LENGTH_BYTE_ARRAY", "text": "DELTA_BYTE_ARRAY", "none": "DELTA_BYTE_ARRAY"},
    "split": {"f32": "BYTE_STREAM_SPLIT", "f64": "BYTE_STREAM_SPLIT", "i32": "BYTE_STREAM_SPLIT"},
}
FILES = {
    "first.parquet": {"compression": "none"},
    "snappy.parquet": {"compression": "snappy", "row_group_size": 15},
    "gzip-second.parquet": {"compression": "gzip", "data_page_version": "2.0", "data_page_size": 64, "write_batch_size": 8},
    "zstd-second.parquet": {"compression": "zstd", "data_page_version": "2.0", "row_group_size": 13},
    "brotli.parquet": {"compression": "brotli", "data_page_size": 64, "write_batch_size": 8},
    "lz4.parquet": {"compression": "lz4"},
    "plain.parquet": {"use_dictionary": False, "column_encoding": None, "compression": "snappy"},
    "delta.parquet": {"use_dictionary": False, "column_encoding": ENCODINGS["delta"], "compression": "snappy"},
    "delta-second.parquet": {"use_dictionary": False, "column_encoding": ENCODINGS["delta"], "compression": "none", "data_page_version": "2.0"},
    "split.parquet": {"use_dictionary": False, "column_encoding": ENCODINGS["split"], "compression": "zstd"},
}


def plain(value):
    """As CSV would have it: text, or None."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds") + "Z"
    return str(value) if not isinstance(value, float) else repr(value)


table = pa.table(COLUMNS)
(HERE / "parquet").mkdir(exist_ok=True)
for name, options in FILES.items():
    pq.write_table(table, HERE / "parquet" / name, **{"compression": "snappy", **options})
(HERE / "parquet.json").write_text(json.dumps({k: [plain(v) for v in c.to_pylist()] for k, c in COLUMNS.items()}) + "\n")
