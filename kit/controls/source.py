"""What AWS's page and other frameworks say, and which controls answer each statement.

Only ``kit/catalogue/frameworks/`` maps controls to statements. A control that no statement of
``aws_page.yaml`` names is beyond the source.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kit.catalogue.frameworks import AWS_PAGE, Requirement, frameworks, mapped, others, related
from kit.catalogue.texts import text

BEYOND = "beyond the source"


@dataclass(frozen=True)
class Statement:
    """A statement of the page, or a requirement of a framework.

    Attributes
    ----------
    number : str
        The number that documents cite.
    part : str
        The heading above it on the page.
    says : str
        Its words, shortened.
    controls : tuple of str
        Ids of the controls that answer it.
    what : str
        What travels, for a row of the table on encryption in transit.
    note : str
        How the kit reads words that do not fit AppStream as they stand, and why.
    shown : str
        What the controls show beside a statement that AWS alone can keep, and attests.
    needs : str
        The parameter without which the controls leave a part of the statement open.
    limits : tuple of (str, int)
        What the requirement wants of thresholds, by name.
    """

    number: str
    part: str
    says: str
    controls: tuple[str, ...]
    what: str = ""
    note: str = ""
    shown: str = ""
    needs: str = ""
    limits: tuple[tuple[str, int], ...] = ()


def title() -> str:
    """Return the page's title."""
    return frameworks()[AWS_PAGE].title


def address() -> str:
    """Return where the page is."""
    return frameworks()[AWS_PAGE].address


def edition() -> str:
    """Return which edition of the page the kit follows."""
    return text(f"frameworks/{AWS_PAGE}/edition")


def statements(framework: str = AWS_PAGE) -> list[Statement]:
    """Return a framework's statements, in its order."""
    requirements = frameworks()[framework].requirements.items()
    return [_statement(framework, number, requirement) for number, requirement in requirements]


def _statement(framework: str, number: str, requirement: Requirement) -> Statement:
    def prose(member: str) -> str:
        present = getattr(requirement, member)
        return text(f"frameworks/{framework}/{number}/{member}") if present else ""

    part = requirement.part
    return Statement(
        number,
        text(f"frameworks/{framework}/parts/{part}") if part else "",
        _title(framework, number),
        tuple(requirement.controls),
        requirement.what,
        prose("note"),
        prose("shown"),
        requirement.needs,
        tuple(requirement.limits.items()),
    )


def _title(framework: str, number: str) -> str:
    own = frameworks()[framework]
    words = own.requirements[number].title
    return text(f"frameworks/{framework}/{number}/title") if own.own_words and words else words


def answered_by(control: str) -> list[Statement]:
    """Return the statements that a control answers, in the page's order; none if beyond it."""
    return [
        _statement(AWS_PAGE, number, requirement)
        for number, requirement in frameworks()[AWS_PAGE].requirements.items()
        if control in requirement.controls
    ]


def cite(control: str) -> str:
    """Return the page's sentence on what AWS answers for, with the page's title, for a finding."""
    statement = answered_by(control)[-1]  # a row of the table says more than the advice
    what = f"{statement.what}, " if statement.what else ""
    return f'AWS, "{title()}", {statement.part}: {what}"{statement.says.rstrip(".")}"'


def words(control: str) -> str:
    """Return what the page says of a control's subject, with notes; else `BEYOND`."""
    sentences = []
    for statement in answered_by(control):
        says = f"{statement.what}: {statement.says}" if statement.what else statement.says
        sentences.append(f"{says} [{statement.note}]" if statement.note else says)
    return " ".join(sentences) or BEYOND


@dataclass(frozen=True)
class Cited:
    """A requirement as documents cite it beside a control.

    Attributes
    ----------
    framework : str
        The framework's short name.
    number, title : str
        The requirement.
    why : str
        Why the control tests the requirement, or why this concerns the control's subject; empty
        where the requirement explains itself.
    tested : bool
        Whether the control's rules test the requirement.
    """

    framework: str
    number: str
    title: str
    why: str
    tested: bool

    def __str__(self) -> str:
        """The number, the title and the reason; and a note where no rule tests the requirement."""
        cited = ": ".join(filter(None, (f"{self.number} {self.title}".rstrip(), self.why)))
        return cited if self.tested else text("requirements/related", requirement=cited)


def requirements(control: str, chosen: Iterable[str] | None = None) -> list[Cited]:
    """Return the requirements of a control in frameworks other than the GDPR and AWS's page.

    Parameters
    ----------
    control : str
    chosen : iterable of str, optional
        Ids of the frameworks; by default all.
    """
    return [
        Cited(
            framework.name,
            number,
            _title(id, number),
            text(why) if why else "",
            tested,
        )
        for id, framework in others(chosen).items()
        for tested, reasons in ((True, mapped(id, control)), (False, related(id, control)))
        for number, why in reasons.items()
    ]
