"""Precision and recall of the detectors on both labelled files, and strings per second.

    python benchmarks/detectors.py [development] [held_out]

The benchmark prints none of the strings: nobody may tune the detectors on the held-out strings.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from pathlib import Path

import yaml

from kit.detect.identifiers import Detectors
from kit.detect.secrets import mask_secrets

DATA = Path(__file__).parent.parent / "tests" / "data" / "detectors"
SECRET = re.compile(r"⟦secret: ([^⟧]+)⟧")


def kinds_in(text: str, detectors: Detectors) -> set[str]:
    """Return the kinds that the kit reports: tokens of removed secrets, and hits in the rest."""
    stored = mask_secrets(text)
    return {hit.kind for hit in detectors.hits(stored)} | set(SECRET.findall(stored))


def report(file: str) -> None:
    """Print the scores of one labelled file."""
    data = yaml.safe_load((DATA / f"{file}.yaml").read_text("utf-8"))
    detectors = Detectors(tuple(data["customer_patterns"]), tuple(data["expected_accounts"]))
    right, false, missed = Counter[str](), Counter[str](), Counter[str]()
    hard = hard_reported = 0
    for item in data["strings"]:
        reported, labels = kinds_in(item["text"], detectors), set(item["labels"])
        right.update(reported & labels)
        false.update(reported - labels)
        missed.update(labels - reported)
        hard += bool(item.get("hard"))
        hard_reported += bool(item.get("hard") and reported)
    start = time.perf_counter()  # all modules are imported and all patterns compiled
    for item in data["strings"]:
        kinds_in(item["text"], detectors)
    seconds = time.perf_counter() - start
    print(f"{file}: {len(data['strings'])} strings, {len(data['strings']) / seconds:,.0f} a second")
    kinds = [kind for group in data["classes"].values() for kind in group]
    for kind in (*kinds, "all"):
        hits, alarms, misses = (
            counts.total() if kind == "all" else counts[kind] for counts in (right, false, missed)
        )
        precision, recall = hits / ((hits + alarms) or 1), hits / ((hits + misses) or 1)
        print(f"  {kind:20} right {hits:4} false {alarms:3} missed {misses:3}", end="")
        print(f"  precision {precision:.3f} recall {recall:.3f}")
    print(f"  hard negatives with a report: {hard_reported} of {hard}")


if __name__ == "__main__":
    for name in sys.argv[1:] or ("development", "held_out"):
        report(name)
