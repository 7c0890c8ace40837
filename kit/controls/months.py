"""Months of the calendar, by which rules count how long something holds."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import TypeVar

_Day = TypeVar("_Day", dt.date, dt.datetime)


def months_before(day: _Day, months: int) -> _Day:
    """Return the same day of an earlier month, or that month's last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    if year < dt.MINYEAR:
        return day.replace(year=dt.MINYEAR, month=1, day=1)
    last = calendar.monthrange(year, month + 1)[1]
    return day.replace(year=year, month=month + 1, day=min(day.day, last))
