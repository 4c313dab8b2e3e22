"""The record of the defects, kept apart from the files so that nothing that reads the files can see it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np

from samples.defects import Truth

# what the truth says of one file: its name (and the member, in an archive), its defects, its number of records
FileTruth = tuple[str, Truth, int]


def write_truth(folder: Path, by_source: Mapping[str, Sequence[FileTruth]]) -> None:
    """One parquet per source (file, row, column, kind, clean_value), and rates.json with counts by source and kind."""
    folder.mkdir(parents=True, exist_ok=True)
    rates = {}
    for source, parts in by_source.items():
        _write_parquet(folder / f"{source}.parquet", parts)
        kinds, counts = np.unique(np.concatenate([truth.kinds for _, truth, _ in parts]), return_counts=True)
        records = sum(rows for _, _, rows in parts)
        rates[source] = {
            "rows": records,
            "defects": {
                str(kind): {"count": int(count), "rate": round(count / records, 6)}
                for kind, count in zip(kinds, counts, strict=True)
            },
        }
    (folder / "rates.json").write_text(json.dumps(rates, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _write_parquet(target: Path, parts: Sequence[FileTruth]) -> None:
    found = {
        "file": np.concatenate([np.full(len(truth.rows), name) for name, truth, _ in parts]),
        "row": np.concatenate([truth.rows for _, truth, _ in parts]),
        "column": np.concatenate([truth.columns for _, truth, _ in parts]),
        "kind": np.concatenate([truth.kinds for _, truth, _ in parts]),
        "clean_value": np.concatenate([truth.clean_values for _, truth, _ in parts]),
    }
    with duckdb.connect() as engine:
        engine.execute("set threads = 1")
        engine.register("found", found)
        engine.execute(f"copy (from found) to '{target}' (format parquet)")
