"""Get what the tests need beyond Python, where that is allowed; say what to install where not.

Chromium opens the HTML, poppler reads the PDF, a CJK font shows that glyphs of the machine's
fonts are used, faketime moves the clock.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NEEDED = {
    "chromium": lambda: bool(chromium()),
    "poppler-utils": lambda: bool(shutil.which("pdftotext") and shutil.which("pdftoppm")),
    "faketime": lambda: bool(shutil.which("faketime")),
    "fonts-noto-cjk": lambda: bool(cjk_fonts()),
}
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "/Library/Fonts")


def chromium() -> str | None:
    """Path of a Chromium on the machine, or of Playwright's own."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found:
        return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def cjk_fonts() -> list[Path]:
    """Font files with Chinese, Japanese and Korean glyphs."""
    folders = [Path(folder).expanduser() for folder in _FONT_FOLDERS]
    return [path for folder in folders for path in folder.rglob("*CJK*.tt*")]


def missing() -> list[str]:
    """Debian packages that are not there."""
    return [package for package, is_there in NEEDED.items() if not is_there()]


def install(packages: list[str]) -> None:
    """Install Debian packages where apt is there and may be used."""
    if not shutil.which("apt-get"):
        return
    prefix = []
    if os.geteuid() != 0:
        if subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode:
            return
        prefix = ["sudo", "-n"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", *packages]):
        subprocess.run(
            [*prefix, "apt-get", *command], env=quiet, check=False, stdout=subprocess.DEVNULL
        )


def main() -> None:
    """Make sure that everything is there, or exit with what to do."""
    lacking = missing()
    if lacking:
        print(f"installing for the tests: {', '.join(lacking)}", flush=True)
        install(lacking)
        if "chromium" in missing():
            subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    lacking = missing()
    if lacking:
        sys.exit(
            f"The tests need {', '.join(lacking)}. On Debian or Ubuntu: sudo apt-get install "
            f"{' '.join(lacking)}; elsewhere install Chromium, poppler, faketime and a Noto CJK font, then "
            "run the tests again."
        )


if __name__ == "__main__":
    main()
