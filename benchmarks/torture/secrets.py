"""Secrets in text: precision and recall on the labelled strings, JSON, disguises, and time."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from urllib.parse import quote

from benchmarks.torture import Measure
from kit.detect.secrets import mask_secrets
from tests.labelled import HALVES, Labelled, masked_spans, score, strings

AREA = "secrets in text"
# Texts that hold no secret, and texts that are full of what looks like the start of one.
PIECES = (
    *("a", "-p -p -p ", "QUJDZGVm", "mysql -p", "net use ", "net user a b /", "curl -u a:b "),
    *("reg add k /v Password /d ", "docker login -p ", "login: a/", "basic YWRtaW46", "AKIA "),
    *("<password><value>", 'name="password" value=', "eyJ", "password=", "://a@", "?token="),
    *("\u200ba", "p\u0430", "\uff50", "%41", "&lt;", "LS0tLS1CRUdJTi", "echo a | ", "\\"),
)
RECALL, PRECISION = 0.9, 0.98
MOST = 7.0  # times as long for four times the text; quadratic work takes 16 times as long


def measure(quick: bool, seed: int) -> list[Measure]:
    """Measure the detectors on the labelled strings, on wrapped strings, and on long texts."""
    measures = [row for half in HALVES for row in _halves(half)]
    draw = random.Random(seed)
    items = [item for half in HALVES for item in strings(half)]
    sample = draw.sample(items, 150) if quick else items
    measures += [
        _kept("in JSON, compact and nested", sample, lambda text: json.dumps({"a": text})),
        _kept("in JSON within JSON", sample, lambda text: json.dumps(json.dumps([text]))),
        _kept("percent-encoded as a whole", sample, lambda text: quote(text, safe="")),
    ]
    return [*measures, _again(sample), _linear(20_000 if quick else 60_000)]


def _halves(half: str) -> list[Measure]:
    result = score(half, lambda text: masked_spans(text, mask_secrets(text)))
    secrets = len(result.masked) + len(result.missed)
    near = sum(not item.spans for item in [*result.clear, *result.false])
    recall = (
        f"{result.recall:.3f}: {len(result.masked)} of {secrets} strings are masked, "
        f"{result.exact} to the character"
    )
    precision = f"{result.precision:.3f}: {len(result.false)} false among {near} near misses"
    return [
        Measure(
            AREA, f"{half}: recall of {RECALL} or more", 1, int(result.recall >= RECALL), recall
        ),
        Measure(
            AREA,
            f"{half}: precision of {PRECISION} or more",
            1,
            int(result.precision >= PRECISION),
            precision,
        ),
    ]


def _kept(scenario: str, items: list[Labelled], wrap: Callable[[str], str]) -> Measure:
    """Count the strings that are masked when wrapped, among those that are masked as they are."""

    def bare(item: Labelled) -> bool:
        masked = mask_secrets(item.text)
        return not any(item.text[start:end] in masked for start, end in item.spans)

    held = [item for item in items if item.spans and bare(item)]
    kept = sum(
        not any(
            wrap(item.text[start:end]).strip('"[]{}\\a: ') in mask_secrets(wrap(item.text))
            for start, end in item.spans
        )
        for item in held
    )
    return Measure(AREA, scenario, len(held), kept)


def _again(items: list[Labelled]) -> Measure:
    masked = [mask_secrets(item.text) for item in items]
    same = sum(mask_secrets(text) == text for text in masked)
    return Measure(AREA, "masking twice changes nothing", len(items), same)


def _linear(size: int) -> Measure:
    ratios = {piece: _seconds(piece, 4 * size) / _seconds(piece, size) for piece in PIECES}
    held = sum(ratio < MOST for ratio in ratios.values())
    detail = (
        f"{4 * size:,} characters take at most {max(ratios.values()):.1f} times as long as {size:,}"
    )
    return Measure(AREA, "time is linear in hostile texts", len(PIECES), held, detail)


def _seconds(piece: str, size: int) -> float:
    text = (piece * size)[:size]
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        mask_secrets(text)
        best = min(best, time.process_time() - began)
    return max(best, 0.002)
