"""Controls in a terminal: a list by section, or a control with all that the code declares."""

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
    """Return what the code declares of a control.

    Parameters
    ----------
    name : str
        Its id.
    width : int
        Columns of the terminal; commands and Terraform are not wrapped, so that they can be copied.
    """
    control, width = known()[name], max(width, _NARROWEST)
    lines = _control(control, width) if isinstance(control, Control) else _roll_up(control, width)
    return "\n".join(lines)


def _overview(width: int) -> Iterator[str]:
    every = known()
    for letters in SECTIONS:
        yield section_title(letters)
        for name, control in every.items():
            if control.section == letters:
                severity = control.severity if isinstance(control, Control) else "roll-up"
                yield from _wrapped(f"  {name}  {severity:<8}", control.title, width)
        yield ""
    beyond = sum(not answered_by(name) for name in every)
    yield from _wrapped(
        "",
        f"{len(every)} controls, {len(every) - beyond} of them from AWS's page, {beyond} beyond it. "
        "Explain a control with: evidence controls AR-05",
        width,
    )


def _control(control: Control, width: int) -> Iterator[str]:
    yield from _head(control, f"severity {control.severity}", width)
    yield from _entry("Judged", [judged(control)], width)
    yield from _entry("Expected", [clause.expected for clause in control.clauses], width)
    yield from _entry("Thresholds", [f"{name}: {value}" for name, value in limits(control)], width)
    lines = [
        ": ".join(filter(None, (f"{status}, {reason}" if reason else status, text)))
        for status, reason, text in verdicts(control)
    ]
    yield from _entry("Verdicts", lines, width)
    yield from _articles(control, width)
    calls = sorted(control.calls, key=lambda call: call.name)
    reads = [f"{call.name} ({call.action or 'no permission needed'})" for call in calls]
    yield from _entry("Reads", reads or ["no call of AWS's"], width)
    for remedy in control.remedies:
        yield from _entry("Remedy", [remedy.when] if remedy.when else [], width)
        for title, words in remedy.prose:
            yield from _entry(title, [words], width)
        for step in remedy.steps:
            yield f"\n{step.title}\n"
            yield textwrap.indent(step.code, "  ")


def _roll_up(roll_up: RollUp, width: int) -> Iterator[str]:
    yield from _head(roll_up, "roll-up", width)
    under = [name for name, control in sorted(CONTROLS.items()) if roll_up.over(control)]
    yield from _entry("Sums up", [", ".join(under)], width)
    yield from _entry("Verdict", ["the worst of theirs; not counted in totals"], width)
    yield from _articles(roll_up, width)


def _articles(control: Control | RollUp, width: int) -> Iterator[str]:
    for title, articles in (("GDPR", control.gdpr), ("Not tested", control.context)):
        lines = [f"Article {a}: {why}" for a, why in cited(articles, "").items()]
        yield from _entry(title, lines, width)
    grouped: dict[str, list[str]] = {}
    for cited_ in requirements(control.id):
        grouped.setdefault(cited_.framework, []).append(str(cited_))
    for framework, some in grouped.items():
        yield from _entry(framework, some, width)


def _head(control: Control | RollUp, kind: str, width: int) -> Iterator[str]:
    yield from _wrapped(f"{control.id}  ", control.title, width)
    answers = {"AWS": "AWS answers", "customer": "the customer answers"}
    who = answers.get(control.responsibility, "AWS and the customer answer")
    yield from _wrapped(" " * 7, f"{section_title(control.section)}; {kind}; {who}", width)
    yield from _entry("AWS's page", [control.source], width)


def _entry(title: str, texts: list[str], width: int) -> Iterator[str]:
    """Yield the lines of a title in the margin with its texts; each text begins a line."""
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
