"""Packs as somebody who means harm would build them."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

INFO = "Bag-Software-Agent: forged\nPayload-Oxum: {oxum}\nSignature: none\n"


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write a bag whose manifests are right for these files below ``data/``."""
    for name, content in files.items():
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    (folder / "bag-info.txt").write_text(INFO)
    return reseal(folder)


def reseal(folder: Path) -> Path:
    """Make manifests and counts right again, as nobody without the key could sign."""
    payload = sorted(path for path in (folder / "data").rglob("*") if path.is_file())
    oxum = f"{sum(path.stat().st_size for path in payload)}.{len(payload)}"
    info = folder / "bag-info.txt"
    lines = [
        f"Payload-Oxum: {oxum}" if line.startswith("Payload-Oxum") else line
        for line in info.read_text().splitlines()
    ]
    info.write_text("\n".join(lines) + "\n")
    _manifest(folder, "manifest-sha256.txt", payload)
    names = ("README.txt", "bag-info.txt", "bagit.txt", "manifest-sha256.txt")
    tags = [folder / name for name in names if (folder / name).exists()]
    _manifest(folder, "tagmanifest-sha256.txt", tags)
    return folder


def _manifest(folder: Path, name: str, files: list[Path]) -> None:
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n"
        for path in files
    )
    (folder / name).write_text("".join(lines))


def zipped(folder: Path, to: Path) -> Path:
    """Zip a pack's files."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(folder))
    return to
