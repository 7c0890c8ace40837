"""What the kit is delivered with: bill of materials, licences, known weaknesses.

``make sbom``, ``make audit`` and ``make docs`` run this module.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from importlib.metadata import Distribution, distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
#: Licences under which a package may be delivered beside code under Apache-2.0. LGPL and MPL
#: ask for the source of the package itself, which its registry offers; the kit changes none.
ACCEPTED = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "LGPL-2.1-or-later",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-2.0",
    "PSF-2.0",
    "Unlicense",
    "Zlib",
}
#: Packages whose metadata names no SPDX expression, as their licence files read.
READ = {
    "asttokens": "Apache-2.0",
    "bleach": "Apache-2.0",
    "overrides": "Apache-2.0",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "python-stdnum": "LGPL-2.1-or-later",
    "tqdm": "MPL-2.0 AND MIT",
}
_TROVE = {
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: Path = LOCK) -> set[str]:
    """Return the names of the packages in a lock file."""
    return {_canonical(name) for name in re.findall(r"^([\w.-]+)==", path.read_text(), re.M)}


def _bsd(distribution: Distribution) -> str:
    """Return which BSD licence the package's own file holds, or "" where it has no file."""
    files = [f for f in distribution.files or [] if "licen" in f.name.lower()]
    if not files:
        return ""
    three = "neither the name" in files[0].read_text(encoding="utf-8").lower()
    return "BSD-3-Clause" if three else "BSD-2-Clause"


def licence_of(distribution: Distribution) -> str:
    """Return the SPDX expression of an installed package, or "" where nothing states it."""
    metadata = distribution.metadata
    name = _canonical(metadata["Name"])
    text = str(metadata.get("License", "")).strip()
    if name in READ:
        return READ[name]
    if expression := metadata.get("License-Expression"):
        return str(expression)
    if text in ACCEPTED:
        return text
    classifiers = metadata.get_all("Classifier", [])
    troves = {c.rsplit(" :: ", 1)[1] for c in classifiers if c.startswith("License :: ")}
    if troves == {"BSD License"} or text.startswith("BSD"):
        return _bsd(distribution)
    return _TROVE.get(troves.pop(), "") if len(troves) == 1 else ""


def licences() -> dict[str, str]:
    """Return the licence of each package of the lock that this platform installs."""
    names = locked()
    installed = {_canonical(d.metadata["Name"]): d for d in distributions()}
    return {n: licence_of(installed[n]) for n in sorted(names & installed.keys())}


def licences_page() -> str:
    """Return docs/licences.md."""
    table = licences()
    elsewhere = sorted(locked() - table.keys())
    lines = [
        "# Licences of the packages in requirements.lock",
        "",
        "`make docs` writes this page from the installed packages, and a test refuses a licence",
        "that `tests/supply.py` does not accept.",
        "",
        "| package | licence |",
        "|---|---|",
        *(f"| {name} | {licence} |" for name, licence in table.items()),
        "",
        f"Locked for other platforms or Pythons, and not listed: {', '.join(elsewhere)}.",
        "",
    ]
    return "\n".join(lines)


def sbom(target: Path) -> None:
    """Write a CycloneDX 1.6 bill of materials of what the lock installs.

    A fresh environment holds these packages alone; nothing that only tests need is in it.
    """
    with tempfile.TemporaryDirectory() as folder:
        python = f"{folder}/bin/python"
        uv = [sys.executable, "-m", "uv", "--quiet"]
        subprocess.run([*uv, "venv", folder], check=True)
        subprocess.run(
            [*uv, "pip", "install", "--python", python, "--require-hashes", "-r", str(LOCK)],
            check=True,
        )
        subprocess.run(
            [
                *(sys.executable, "-m", "cyclonedx_py", "environment", python),
                *("--pyproject", str(ROOT / "pyproject.toml")),
                *("--output-reproducible", "--output-format", "JSON"),
                *("--output-file", str(target)),
            ],
            check=True,
        )


def audit() -> int:
    """Print the known weaknesses of the locked packages; return 1 where there are any.

    Where the database cannot be reached nothing was audited, and the last line states it.
    """
    command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv"]
    command += ["--requirement", str(LOCK), "--require-hashes", "--disable-pip"]
    command += ["--progress-spinner", "off", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        reason = last.partition(":")[0]
        print(f"audit: NOT AUDITED: the database at osv.dev could not be read ({reason})")
        return 0
    skipped = [p["name"] for p in packages if "skip_reason" in p]
    weak = [(p, v) for p in packages for v in p.get("vulns", [])]
    for package, weakness in weak:
        fixed = ", ".join(weakness["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {weakness['id']}, fixed in {fixed}")
    print(f"audit: {len(packages) - len(skipped)} packages audited, {len(weak)} weaknesses")
    if skipped:
        print(f"audit: NOT AUDITED: {', '.join(skipped)}")
    return int(bool(weak))


def main() -> int:
    """Run what the command line names."""
    match sys.argv[1:]:
        case ["sbom", target]:
            sbom(Path(target))
            print(
                f"sbom: {target}: {len(json.loads(Path(target).read_text())['components'])} components"
            )
            return 0
        case ["audit"]:
            return audit()
    sys.exit("usage: python -m tests.supply sbom FILE | audit")


if __name__ == "__main__":
    sys.exit(main())
