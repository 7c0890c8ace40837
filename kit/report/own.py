"""What analysts' own cells show: their tables and figures, by the rules of everything else.

The marks of verdicts and links to controls and evidence belong to what the kit itself states. So own
tables have plain cells.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kit.errors import UserError
from kit.redact.free_text import shown, shown_number
from kit.report import fonts
from kit.report.formats import Cell, Kind
from kit.report.views import (
    MOST_COLUMNS,
    MOST_ROWS,
    OWN,
    PDF_ROWS,
    Column,
    Figure,
    Table,
    first_of,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Canvas

SVG: dict[Any, Any] = {"svg.hashsalt": "appstream-evidence-kit", "svg.fonttype": "path"}
"""How matplotlib writes a figure: the same bytes each time, words as outlines."""
_ROW_IDS = "row"  # the index of the kit's own frames


def table(frame: pd.DataFrame | pd.Series, caption: str) -> Table:
    """Show a frame of your own as a table with a caption, in the page and in the PDF.

    Labels replace the names of the snapshots that this kernel opened; secrets, and data that
    identify a person, are masked.

    Parameters
    ----------
    frame : DataFrame or Series
        At most 20,000 rows and 40 columns. An index with names of its own becomes columns.
    caption : str
        What the rows are.

    Raises
    ------
    UserError
        It is no frame, or it is too large, or its columns' names do not differ, or there is no
        caption.
    """
    import pandas as pd

    if isinstance(frame, pd.Series):
        frame = frame.to_frame(str(frame.name or "value"))
    if not isinstance(frame, pd.DataFrame):
        kind = type(frame).__name__
        raise UserError(f"kit.show.table: {kind} is not a frame; give a DataFrame or a Series")
    _require_words("table", "caption", caption)
    if not (isinstance(frame.index, pd.RangeIndex) or frame.index.names == [_ROW_IDS]):
        frame = frame.reset_index()
    rows, columns = frame.shape
    if not 0 < columns <= MOST_COLUMNS or rows > MOST_ROWS:
        raise UserError(
            f"kit.show.table: the frame has {rows} rows and {columns} columns; accepted: 1 to "
            f"{MOST_COLUMNS} columns, at most {MOST_ROWS:,} rows"
        )
    names = [shown(_title(name)) for name in frame.columns]
    if len({*names}) < len(names):
        raise UserError(f"kit.show.table: columns have the same name: {', '.join(names)}")
    cells = [[_cell(value) for value in frame.iloc[:, place]] for place in range(columns)]
    body = [list(row) for row in zip(*cells, strict=True)]
    kinds = [
        "text" if any(isinstance(cell, str) for cell in cells[place]) and kind == "number" else kind
        for place, kind in enumerate(_kind(frame.iloc[:, place]) for place in range(columns))
    ]
    return Table(
        f"{OWN}{shown(caption)}",
        shown(caption),
        [Column(name, name, kind) for name, kind in zip(names, kinds, strict=True)],
        body,
        **first_of(body, PDF_ROWS),
    )


def figure(drawn: Any, caption: str, alternative_text: str) -> Figure:
    """Show a figure of matplotlib of your own, in the page and in the PDF.

    Parameters
    ----------
    drawn : matplotlib.figure.Figure or Axes
        Its texts are shown by the rules of `table`.
    caption : str
        What the figure shows.
    alternative_text : str
        What a reader who cannot see it has to know.

    Raises
    ------
    UserError
        It is no figure, or a text is missing.
    """
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    canvas = drawn.figure if isinstance(drawn, Axes) else drawn
    if not isinstance(canvas, Canvas):
        kind = type(drawn).__name__
        raise UserError(
            f"kit.show.figure: {kind} is not a figure; give matplotlib's Figure or Axes"
        )
    _require_words("figure", "caption", caption)
    _require_words("figure", "alternative_text", alternative_text)
    with _redacted():
        picture = svg(canvas)
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close(canvas)  # or the notebook would show it a second time
    return Figure(f"{OWN}{shown(caption)}", picture, shown(alternative_text), shown(caption))


def svg(canvas: Canvas) -> str:
    """Return a figure as SVG in the fonts of pages, without the time and version of matplotlib."""
    from matplotlib import rc_context
    from matplotlib.font_manager import fontManager

    for path in fonts.directory().glob("*.ttf"):
        fontManager.addfont(path)
    file = io.StringIO()
    with rc_context(SVG):
        canvas.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


@contextmanager
def _redacted() -> Iterator[None]:
    """Let matplotlib draw each text as a pack may show it: ticks have their texts only then."""
    from matplotlib.text import Text

    drawing: Any = Text
    draw = drawing.draw

    def draw_shown(self: Any, *arguments: Any, **named: Any) -> None:
        words = self._text  # its setter would let the figure be drawn anew
        self._text = shown(words)
        try:
            draw(self, *arguments, **named)
        finally:
            self._text = words

    drawing.draw = draw_shown
    try:
        yield
    finally:
        drawing.draw = draw


def _require_words(verb: str, name: str, given: Any) -> None:
    if not isinstance(given, str) or not given.strip():
        raise UserError(f"kit.show.{verb}: {name}: {given!r} is not a text; state it in words")


def _title(name: Any) -> str:
    return " ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _kind(column: pd.Series) -> Kind:
    import pandas as pd

    if pd.api.types.is_bool_dtype(column):
        return "text"
    if pd.api.types.is_numeric_dtype(column):
        return "number"
    return "datetime" if isinstance(column.dtype, pd.DatetimeTZDtype) else "text"


def _cell(value: Any) -> Cell:
    """Return a value as a plain cell: None where it is missing."""
    import pandas as pd

    if isinstance(value, list | tuple | set | frozenset):
        parts = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return ", ".join(map(_text, parts))
    if value is None or isinstance(value, dict):
        return None if value is None else _text(value)
    if pd.isna(value) is True:
        return None
    plain = (
        value.item() if hasattr(value, "item") and not isinstance(value, pd.Timestamp) else value
    )
    if isinstance(plain, bool):
        return plain
    if isinstance(plain, float) and not math.isfinite(plain):
        return str(plain)
    if isinstance(plain, float | int):
        return shown_number(plain, shown)
    if isinstance(plain, dt.datetime):
        moment = plain.astimezone(dt.UTC) if plain.tzinfo else plain
        return moment.isoformat(timespec="seconds")
    return shown(str(plain))


def _text(value: Any) -> str:
    """Return a part of a cell; each text within it is shown by itself, before they are joined."""
    if isinstance(value, dict | list | tuple):
        return json.dumps(
            _shown(value), ensure_ascii=False, default=lambda other: shown(str(other))
        )
    return shown(str(value))


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {shown(str(name)): _shown(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(part) for part in value]
    if isinstance(value, str):
        return shown(value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return shown_number(value, shown) if number else value
