"""Controls told in a terminal: a list by section, or one with all that is declared of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from kit.controls.articles import cited
from kit.controls.registry import CONTROLS, SECTIONS, Control, RollUp, section_title
from kit.controls.source import answered_by, requirements
from kit.report.handbook import judged, known, limits, verdicts

_MARGIN = 15
_NARROWEST = 64


def overview(width: int) -> str:
    """Return the list of all controls, by section, with their severity."""
    return "\n".join(_overview(max(width, _NARROWEST)))


def explain(name: str, width: int) -> str:
    """Return what is declared of a control.

    Parameters
    ----------
    name : str
        Its id.
    width : int
        Columns of the terminal; commands and Terraform are not wrapped, so that they can be copied.
    """
    one, width = known()[name], max(width, _NARROWEST)
    lines = _control(one, width) if isinstance(one, Control) else _roll_up(one, width)
    return "\n".join(lines)


def _overview(width: int) -> Iterator[str]:
    every = known()
    for letters in SECTIONS:
        yield section_title(letters)
        for name, one in every.items():
            if one.section == letters:
                severity = one.severity if isinstance(one, Control) else "roll-up"
                yield from _wrapped(f"  {name}  {severity:<8}", one.title, width)
        yield ""
    beyond = sum(not answered_by(name) for name in every)
    yield from _wrapped(
        "",
        f"{len(every)} controls, {len(every) - beyond} of them from AWS's page, {beyond} beyond it. "
        "Explain one with: evidence controls AR-05",
        width,
    )


def _control(one: Control, width: int) -> Iterator[str]:
    yield from _head(one, f"severity {one.severity}", width)
    yield from _entry("Judged", [judged(one)], width)
    yield from _entry("Expected", [clause.expected for clause in one.clauses], width)
    yield from _entry("Thresholds", [f"{name}: {value}" for name, value in limits(one)], width)
    told = [
        ": ".join(filter(None, (f"{status}, {reason}" if reason else status, text)))
        for status, reason, text in verdicts(one)
    ]
    yield from _entry("Verdicts", told, width)
    yield from _articles(one, width)
    calls = sorted(one.calls, key=lambda call: call.name)
    reads = [f"{call.name} ({call.action or 'no permission needed'})" for call in calls]
    yield from _entry("Reads", reads or ["no call of AWS's"], width)
    yield from _entry("Remedy", [one.remedy.console], width)
    for title, code in (("AWS CLI", one.remedy.cli), ("Terraform", one.remedy.terraform)):
        if code:
            yield f"\n{title}\n"
            yield textwrap.indent(code, "  ")


def _roll_up(one: RollUp, width: int) -> Iterator[str]:
    yield from _head(one, "roll-up", width)
    under = [name for name, control in sorted(CONTROLS.items()) if one.over(control)]
    yield from _entry("Sums up", [", ".join(under)], width)
    yield from _entry("Verdict", ["the worst of theirs; not counted in totals"], width)
    yield from _articles(one, width)


def _articles(one: Control | RollUp, width: int) -> Iterator[str]:
    for title, articles in (("GDPR", one.gdpr), ("Not tested", one.context)):
        told = [f"Article {a}: {why}" for a, why in cited(articles, "").items()]
        yield from _entry(title, told, width)
    grouped: dict[str, list[str]] = {}
    for cited_ in requirements(one.id):
        grouped.setdefault(cited_.framework, []).append(str(cited_))
    for framework, some in grouped.items():
        yield from _entry(framework, some, width)


def _head(one: Control | RollUp, kind: str, width: int) -> Iterator[str]:
    yield from _wrapped(f"{one.id}  ", one.title, width)
    answers = {"AWS": "AWS answers", "customer": "the customer answers"}
    who = answers.get(one.responsibility, "AWS and the customer answer")
    yield from _wrapped(" " * 7, f"{section_title(one.section)}; {kind}; {who}", width)
    yield from _entry("AWS's page", [one.source], width)


def _entry(title: str, texts: list[str], width: int) -> Iterator[str]:
    """A title in the margin with its texts, each beginning a line of its own."""
    for n, text in enumerate(texts):
        if n == 0:
            yield ""
            if len(title) >= _MARGIN:  # a framework's name may be long
                yield title
        margin = f"{title if n == 0 and len(title) < _MARGIN else '':<{_MARGIN}}"
        yield from _wrapped(margin, f"- {text}" if len(texts) > 1 else text, width)


def _wrapped(margin: str, text: str, width: int) -> list[str]:
    hanging = len(margin) + (2 if text.startswith("- ") else 0)
    return textwrap.wrap(
        text,
        width,
        initial_indent=margin,
        subsequent_indent=" " * hanging,
        break_on_hyphens=False,
        break_long_words=False,
    )
