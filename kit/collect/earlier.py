"""The account's earlier packs that a run names: what they found, and since when points are open.

What the run needs of them is stored in its snapshot, so that the same pack can be made from the
snapshot alone.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit import bounds
from kit.bag import TAG_MANIFEST, sha256
from kit.errors import UserError
from kit.parameters import Run

if TYPE_CHECKING:
    from kit.overviews.packs import SealedPack
    from kit.snapshot import Earlier

_FIELD = "previous"
_MOST = 64 << 10  # bytes of a tag manifest
_KEY, _NAMED = 40, 8  # characters of a key's fingerprint, and packs, in a message


def read_earlier(run: Run, label_key: str, as_of: dt.datetime) -> dict[str, Any] | None:
    """Read the packs below the folder that a run names, behind the guards of `kit.verify`.

    Parameters
    ----------
    run : Run
    label_key : str
        Fingerprint of the key of the run's labels.
    as_of : datetime
        When the run begins, UTC: packs that are not earlier are left out.

    Returns
    -------
    dict or None
        ``packs``: time, digests, signature and stamp of each, the oldest first. ``places``: control, region,
        resource, status and since when it is open, of each verdict of the newest pack. ``left_out``:
        time and label key of packs with labels of another key, which cannot be compared; absent
        without such packs. None where the run names no folder.

    Raises
    ------
    UserError
        The folder holds no earlier pack of the run's label key, or one of another account.
    NotAsStatedError
        A pack is not what its manifests state.
    """
    if not run.previous:
        return None
    try:
        return _read(run, label_key, as_of)
    except UserError as error:
        raise type(error)(f"{_FIELD}: {error}") from None


def refuse_other_origin(earlier: Mapping[str, Any] | None, stamp: str | None) -> None:
    """Refuse earlier packs of a sandbox in a run against AWS, and of AWS in a run against a sandbox.

    Parameters
    ----------
    earlier : mapping or None
        What `read_earlier` returned.
    stamp : str or None
        The run's, as `kit.snapshot.stamp_of_endpoints` returns it.

    Raises
    ------
    UserError
    """
    for pack in earlier["packs"] if earlier else ():
        if bool(pack["stamp"]) != bool(stamp):
            raise UserError(
                f"{_FIELD}: the pack of {pack['as_of']} is stamped {pack['stamp'] or 'none'!r}, this run "
                f"{stamp or 'none'!r}; name packs whose answers come from where this run's do"
            )


def _read(run: Run, label_key: str, as_of: dt.datetime) -> dict[str, Any]:
    from kit.overviews.changes import since_open, verdicts
    from kit.overviews.packs import find_packs

    given = Path(run.previous)
    folder = given / run.account if os.path.isdir(given / run.account) else given
    if not os.path.isdir(folder):
        raise UserError(f"{folder} does not exist; name a pack or its account's")
    packs = [pack for pack in find_packs(folder) if pack.as_of < as_of]
    if not packs:
        raise UserError(f"{folder}: holds no pack from before this run")
    for pack in packs:
        if pack.account != run.account:
            raise UserError(
                f"{pack.folder} is of account {pack.account}; name a pack of {run.account}"
            )
    left_out = [pack for pack in packs if _key_of(pack) != label_key]
    if len(left_out) == len(packs):
        newest = packs[-1]
        raise UserError(
            f"{newest.folder} has labels of the key {_key_of(newest)}, this run of {label_key}; run with "
            "the key of that pack (pseudonym_key, or controller as it was spelt), or leave previous out "
            f"until a pack of {label_key} is there"
        )
    packs = [pack for pack in packs if _key_of(pack) == label_key]
    since = since_open(packs)
    return {
        "packs": [
            {
                "as_of": pack.as_of.isoformat(),
                "snapshot": pack.info.get("Snapshot-SHA-256", ""),
                "findings": pack.info.get("Findings-SHA-256", ""),
                "manifest": sha256(bounds.read_file(pack.folder / TAG_MANIFEST, _MOST)),
                "signature": pack.signature,
                "stamp": pack.stamp,
            }
            for pack in packs
        ],
        "places": [
            [*place, status, since.get((run.account, *place), "")]
            for place, status in verdicts(packs[-1])
        ],
        **(
            {
                "left_out": [
                    {"as_of": pack.as_of.isoformat(), "label_key": _key_of(pack)}
                    for pack in left_out
                ]
            }
            if left_out
            else {}
        ),
    }


def describe_left_out(earlier: Earlier | None, label_key: str) -> str:
    """Return which packs a run does not compare, and why; empty where it compares all."""
    if not earlier or not earlier.left_out:
        return ""
    packs = [f"{pack['as_of']} (key {pack['label_key']})" for pack in earlier.left_out]
    more = f" and {len(packs) - _NAMED} more" if len(packs) > _NAMED else ""
    return (
        f"not compared, since their labels were made with another key than {label_key}: "
        f"{', '.join(packs[-_NAMED:])}{more}"
    )


def _key_of(pack: SealedPack) -> str:
    return pack.info.get("Pseudonym-Key", "none")[:_KEY]
