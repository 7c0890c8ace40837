"""Countries of AWS's regions, and what the GDPR's Chapter V makes of them."""

from __future__ import annotations

import datetime as dt
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict

from kit.shipped import yaml_data

_FORBID = ConfigDict(strict=True, extra="forbid", frozen=True)


class Decision(BaseModel):
    """A decision of the European Commission that a country protects personal data adequately.

    Attributes
    ----------
    decision, date : str
        Its number and its day.
    until : str
        The day on which it ends; empty where it names none.
    source : str
        Address of its text.
    reported : str
        Address of the report on which its end rests, where the text of that was not read.
    limited : bool
        It covers some recipients of the country only; ``report/transfers/limits`` has which.
    """

    model_config = _FORBID

    decision: str
    date: str
    source: str
    until: str = ""
    reported: str = ""
    limited: bool = False

    def in_force(self, day: dt.date) -> bool:
        """Return whether the decision has been made, and has not ended, on a day."""
        return self.date <= day.isoformat() <= (self.until or dt.date.max.isoformat())


class Transfers(BaseModel):
    """What ``transfers.yaml`` holds.

    Attributes
    ----------
    source, newest : str
        Where the Commission lists its decisions, and the day of the newest decision in the list.
    adequate : dict of str to Decision
        By country.
    eea : list of str
        Countries of the European Economic Area.
    regions : dict of str to str
        Countries by region of AWS.
    """

    model_config = _FORBID

    source: str
    newest: str
    adequate: dict[str, Decision]
    eea: list[str]
    regions: dict[str, str]


@cache
def transfers() -> Transfers:
    """Return the countries of regions and the Commission's decisions."""
    return Transfers.model_validate(yaml_data(resources.files("kit.catalogue") / "transfers.yaml"))
