"""What AWS's page says, statement by statement, and which controls answer each.

``kit/catalogue/frameworks/aws_page.yaml`` is the one place where statements and controls are put
together: a control that no statement names is beyond the source.
"""

from __future__ import annotations

from dataclasses import dataclass

from kit.catalogue.frameworks import AWS_PAGE, Requirement, frameworks
from kit.catalogue.texts import text

BEYOND = "beyond the source"


@dataclass(frozen=True)
class Statement:
    """One statement of the page.

    Attributes
    ----------
    part : str
        Where on the page it stands.
    says : str
        Its words, shortened.
    controls : tuple of str
        Ids of the controls that answer it.
    what : str
        What travels, for a row of the table on encryption in transit.
    note : str
        Where the words cannot be taken as they stand: what was made of them, and why.
    shown : str
        Where AWS alone can keep the words, so that they stay attested: what the controls show
        beside them.
    needs : str
        The parameter without which the controls leave a part of the words open.
    """

    part: str
    says: str
    controls: tuple[str, ...]
    what: str = ""
    note: str = ""
    shown: str = ""
    needs: str = ""


def title() -> str:
    """Return the page's title."""
    return frameworks()[AWS_PAGE].title


def address() -> str:
    """Return where the page is."""
    return frameworks()[AWS_PAGE].address


def edition() -> str:
    """Return which edition of the page the kit follows."""
    return text(f"frameworks/{AWS_PAGE}/edition")


def statements() -> list[Statement]:
    """Return the page's statements, in its order."""
    return [_statement(*one) for one in frameworks()[AWS_PAGE].requirements.items()]


def _statement(number: str, requirement: Requirement) -> Statement:
    def own(member: str) -> str:
        present = getattr(requirement, member)
        return text(f"frameworks/{AWS_PAGE}/{number}/{member}") if present else ""

    return Statement(
        text(f"frameworks/{AWS_PAGE}/parts/{requirement.part}"),
        requirement.title,
        tuple(requirement.tests),
        requirement.what,
        own("note"),
        own("shown"),
        requirement.needs,
    )


def answered_by(control: str) -> list[Statement]:
    """Return the statements that a control answers, in the page's order; none if beyond it."""
    return [statement for statement in statements() if control in statement.controls]


def cite(control: str) -> str:
    """Return the page's sentence for what AWS answers for, with the page, for a finding."""
    statement = answered_by(control)[-1]  # a row of the table says more than the advice
    what = f"{statement.what}, " if statement.what else ""
    return f'AWS, "{title()}", {statement.part}: {what}"{statement.says.rstrip(".")}"'


def words(control: str) -> str:
    """Return what the page says of a control's matter, with its note; or that it says nothing."""
    told = []
    for statement in answered_by(control):
        says = f"{statement.what}: {statement.says}" if statement.what else statement.says
        told.append(f"{says} [{statement.note}]" if statement.note else says)
    return " ".join(told) or BEYOND
