"""What the kit promises under faults, forgeries and hostile input, measured.

Each module of this package measures one topic with a function
``measure(quick, seed)``; ``python -m benchmarks.torture`` runs them all and
writes the table in docs/security.md.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One row of the table.

    Parameters
    ----------
    area : str
        The topic, such as "answers cut short".
    scenario : str
        What was done to the kit.
    trials : int
        How often.
    held : int
        How many of the trials ended as promised.
    detail : str
        Figures that a count cannot give, such as precision and recall.
    """

    area: str
    scenario: str
    trials: int
    held: int
    detail: str = ""
