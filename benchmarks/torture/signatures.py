"""Signatures that last: levels reached at random, then forged, cut, revoked and made huge."""

from __future__ import annotations

import datetime as dt
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from asn1crypto import cms, x509

from benchmarks.torture import Measure
from kit.bag import SIGNATURE, TIMESTAMP
from kit.errors import CannotRunError
from kit.pack.document import document
from kit.pack.keys import SigningKey
from kit.pack.levels import LEVELS
from kit.pack.pdf import pdf
from kit.pack.responders import Gathered
from kit.pack.revocation import load_item
from kit.pack.sign import sign_pdf
from kit.verify.kinds import PDF
from tests.pack.authority import DAY
from tests.pack.conftest import executed
from tests.pack.lasting import (
    compressed,
    copied,
    long_crl,
    nested,
    opened,
    result_of,
    sealed,
    with_store,
)
from tests.pack.services import NOW, Services, make_keys, running

_AREA = "lasting signatures"
_SIGNERS = ("by-ocsp", "by-crl", "by-both")
_SECOND = dt.timedelta(seconds=1)
_SECONDS = 20  # that a hostile pack may take


def measure(quick: bool, seed: int) -> list[Measure]:
    """Return how many of the signatures ended as promised.

    Parameters
    ----------
    quick : bool
        A tenth of the trials.
    seed : int
    """
    drawn = random.Random(seed)
    many = 5 if quick else 50
    with tempfile.TemporaryDirectory() as name, running(Path(name), make_keys()) as services:
        bench = _Bench(services, Path(name), pdf(document(executed())), drawn)
        return [
            bench.trials("sealed at a level, checked offline", many, bench.reaches),
            bench.trials("a byte of a signature or a timestamp flipped", 4 * many, bench.flipped),
            bench.trials("the signer revoked around the timestamp", 2 * many, bench.revoked),
            bench.trials("an answer that does not hold embedded", many, bench.lowered),
            bench.trials("a source that fails while sealing", many, bench.unreachable),
            bench.trials("a huge or deep store in the PDF", many // 2 + 3, bench.hostile),
            bench.trials("certificates for many chains", many // 2 + 3, bench.chains),
        ]


class _Bench:
    def __init__(self, services: Services, folder: Path, made: bytes, drawn: random.Random):
        self.services, self.folder, self.made, self.drawn = services, folder, made, drawn
        self.names = (folder / f"bag-{number}" for number in range(1 << 30))
        self.keys = {
            (signer, level): opened(services, signer, level)
            for signer in _SIGNERS
            for level in LEVELS[1:]
        }
        self.bags = {
            (signer, level): self.seal(key)
            for (signer, level), key in self.keys.items()
            if signer == "by-ocsp"
        }

    def seal(self, key: SigningKey) -> Path:
        return sealed(next(self.names), self.made, key)

    def copy(self, level: str = "B-LTA") -> Path:
        return copied(self.bags["by-ocsp", level], next(self.names))

    def trials(self, scenario: str, count: int, trial: Callable[[], bool]) -> Measure:
        longest, held = 0.0, 0
        for _ in range(count):
            began = time.monotonic()
            held += trial()
            longest = max(longest, time.monotonic() - began)
        return Measure(_AREA, scenario, count, held, f"{longest:.1f} s at most")

    def reaches(self) -> bool:
        key = self.keys[self.drawn.choice([*self.keys])]
        bag = self.seal(key)
        self.services.down = True
        try:
            result = result_of(bag, self.services.ca)
        finally:
            self.services.down = False
        return not result.failed and result.document == key.level

    def flipped(self) -> bool:
        level = self.drawn.choice(LEVELS[1:])
        bag = self.copy(level)
        path = bag / self.drawn.choice((SIGNATURE, TIMESTAMP, PDF))
        content = bytearray(path.read_bytes())
        content[self.drawn.randrange(len(content))] ^= 1 << self.drawn.randrange(8)
        path.write_bytes(content)
        result = result_of(bag, self.services.ca)
        # What fills the place of a signature up carries nothing: all is reported as it was.
        before = result_of(self.bags["by-ocsp", level], self.services.ca)
        return bool(result.failed) or result.lines == before.lines

    def revoked(self) -> bool:
        seconds = self.drawn.choice((-1, 1)) * self.drawn.randrange(DAY // _SECOND)
        moment = NOW + seconds * _SECOND
        level = self.drawn.choice(LEVELS[1:])
        crl = self.services.crl({"by-ocsp": moment}, until=NOW + DAY)
        result = result_of(self.bags["by-ocsp", level], self.services.ca, [crl])
        return set(result.failed) == ({PDF, SIGNATURE} if seconds < 0 else set())

    def lowered(self) -> bool:
        key = self.keys["by-ocsp", "B-LTA"]
        assert key.revocation
        real = key.revocation()
        der = self.drawn.choice(
            [
                self.services.response("by-ocsp", about="by-crl"),
                self.services.response("by-ocsp", responder="by-crl"),
                self.services.response("by-ocsp", responder="expired-responder"),
                self.services.response("by-ocsp", this=NOW - 9 * DAY),
                self.services.crl({}, by="root").read_bytes(),
            ]
        )
        items = (load_item(der, NOW), *real.items[1:])
        bag = self.seal(replace(key, revocation=lambda: Gathered(real.certificates, items)))
        result = result_of(bag, self.services.ca)
        return set(result.failed) == {PDF, SIGNATURE} and result.document == "B-T"

    def unreachable(self) -> bool:
        key = self.keys[self.drawn.choice(_SIGNERS), "B-LTA"]
        self.services.fails_after = self.drawn.randrange(3)
        try:
            sign_pdf(self.made, key)
        except CannotRunError:
            return True
        finally:
            self.services.fails_after = None
        return False

    def hostile(self) -> bool:
        bag = self.copy("B-T")
        stores: list[Callable[[], dict[str, Any]]] = [
            lambda: {"CRLs": [long_crl(self.services, self.drawn.randrange(1, 1_000_000))]},
            lambda: {"CRLs": [compressed(self.drawn.randrange(1 << 20, 200 << 20))]},
            lambda: {"CRLs": [bytes(200 << 20)]},
            lambda: {"CRLs": [long_crl(self.services, 7_000)] * self.drawn.randrange(1, 100)},
            lambda: {"OCSPs": [nested(self.drawn.randrange(1, 20_000))]},
            lambda: {"Certs": [nested(self.drawn.randrange(1, 10_000))]},
        ]
        held = self.drawn.choice(stores)()
        (bag / PDF).write_bytes(with_store((bag / PDF).read_bytes(), **held))
        began = time.monotonic()
        result = result_of(bag, self.services.ca)
        quick = time.monotonic() - began < _SECONDS
        return quick and (PDF in result.failed or result.document == "B-T")

    def chains(self) -> bool:
        bag = self.copy("B-T")
        signed = cms.ContentInfo.load((bag / SIGNATURE).read_bytes())
        levels, alike = self.drawn.randrange(1, 20), self.drawn.randrange(1, 20)
        for certificate in self.services.ladder(levels, alike):
            signed["content"]["certificates"].append(
                cms.CertificateChoices("certificate", x509.Certificate.load(certificate))
            )
        (bag / SIGNATURE).write_bytes(signed.dump())
        began = time.monotonic()
        result = result_of(bag, self.services.ca)
        return time.monotonic() - began < _SECONDS and SIGNATURE in result.failed
