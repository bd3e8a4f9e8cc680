"""Compares a Parquet export with the gallery it came from, both read by programs that are not lookalike: pyarrow and Python's sqlite3.

    python scripts/parquet_check.py GALLERY EXPORT.parquet

Needs pyarrow and numpy. Exit code 1 when anything differs.
"""

import sqlite3
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

QUERY = """
    SELECT face.id, label, source, number, quality, x1, y1, x2, y2, hex(digest), added, vector
    FROM face JOIN person ON person.id = face.person JOIN picture ON picture.id = face.picture ORDER BY face.id
"""


def main(gallery, export):
    database = sqlite3.connect(f"file:{gallery}?mode=ro", uri=True)
    element, dimension = database.execute("SELECT element, dimension FROM gallery").fetchone()
    dtype = {"f32": np.float32, "f16": np.float16}[element]
    rows = database.execute(QUERY).fetchall()
    table = pq.read_table(export)

    kind = table.schema.field("embedding").type
    assert pa.types.is_fixed_size_list(kind) and kind.list_size == dimension, kind
    assert kind.value_type == {"f32": pa.float32(), "f16": pa.float16()}[element], kind
    assert table.num_rows == len(rows), (table.num_rows, len(rows))

    columns = {name: table.column(name).to_pylist() for name in table.column_names if name not in ("embedding", "added")}
    numbers = table.column("embedding").combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, dimension)
    added = table.column("added").cast(pa.int64()).to_pylist()
    for i, (id_, label, source, number, quality, x1, y1, x2, y2, digest, when, vector) in enumerate(rows):
        box = None if x1 is None else [x1, y1, x2, y2]
        expected = (id_, label, source, number, quality, box, digest.lower() or None, when)
        found = tuple(columns[c][i] for c in ("id", "label", "source", "face", "quality", "box", "picture_sha256")) + (added[i],)
        assert found == expected, (i, found, expected)
        assert numbers[i].tobytes() == np.frombuffer(vector, dtype).tobytes(), f"row {i}: other bits"
    print(f"{len(rows)} rows of {dimension} x {element}: the same to the bit")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except AssertionError as difference:
        sys.exit(f"differs: {difference}")
