"""Frames with the types that the values have, for analysts."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def ordered(values: Sequence[str], ascending: Sequence[str]) -> pd.Categorical:
    """Return words as an ordered category; an empty word is a missing value."""
    return pd.Categorical([value or None for value in values], list(ascending), ordered=True)


def typed(column: pd.Series) -> pd.Series:
    """Return a column of objects with the type that all its values have.

    Parameters
    ----------
    column : Series of object
        Missing values are None.

    Returns
    -------
    Series
        ``boolean``, ``Int64``, ``datetime64[us, UTC]`` or ``str``, which all hold missing values.
        A column of lists, of mappings, of several types or without a value stays as it is.
    """
    kinds = {type(value) for value in column if value is not None}
    if kinds == {bool}:
        return column.astype("boolean")
    if kinds == {int}:
        return column.astype("Int64")
    if kinds != {str}:
        return column
    times = pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce")
    # A date alone is no moment, and a time without a zone is nobody's.
    whole = column.dropna().str.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)")
    if whole.all() and times.notna().eq(column.notna()).all():
        return times.astype("datetime64[us, UTC]")
    return column.astype("str")
