"""What every figure shares: its style, its fonts, and how it becomes SVG."""

from __future__ import annotations

import io
from typing import Any

from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import fontManager

from kit.report import fonts

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "appstream-evidence-kit",
    "svg.fonttype": "path",
    "font.family": fonts.SANS,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}


def load_fonts() -> None:
    """Let matplotlib know the fonts that pages are set in."""
    for path in fonts.directory().glob("*.ttf"):
        fontManager.addfont(path)


def svg(canvas: Canvas) -> str:
    """Return the figure as SVG, without the time and version that matplotlib would write."""
    file = io.StringIO()
    canvas.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()
