"""What the kit asserts, for people: ``docs/controls.md``, made from the registry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from kit.calls import CALLS, Scope
from kit.catalogue import texts
from kit.catalogue.frameworks import others
from kit.catalogue.statuses import ATTESTED, FAIL, NOT_EVIDENCED, PASS, WORST_FIRST
from kit.collect.policy import plan
from kit.controls import source
from kit.controls.articles import cited
from kit.controls.registry import (
    ANYTHING,
    CLOCK,
    CONTROLS,
    ROLL_UPS,
    SECTIONS,
    Control,
    RollUp,
    section_title,
)
from kit.controls.source import answered_by, cite
from kit.parameters import Profile, Run, load_profile

_INTRODUCTION = """\
# What the kit asserts

Every control, as the code declares it; `make docs` writes this file, and a test holds it to the
code. `evidence controls AR-05` shows the same for a control in a terminal.

The controls follow AWS's page "[{title}]({address})" and go beyond it where the GDPR requires more;
each states which. {edition}

A control is a rule. The kit applies it to each row of a table, which it makes from AWS's answers.
The verdicts:

| verdict | when |
|---|---|
| pass | all that is expected was seen |
| fail | something expected was seen not to be so; what could not be seen beside it changes nothing |
| not evidenced | something that decides could not be seen, or a person has to look at it; never a pass |
| attested | AWS answers for it, and the source of its word is named; never counted as a pass |
| accepted | a fail that somebody accepts, with a reason, until a day |
| not applicable | there is nothing of the kind, and that was seen |

That a cell which could not be seen makes a row *not evidenced* (reasons `denied`, `throttled`,
`failed`, `region off`, `cut short`, `absent in answer`, `administrator`, `not collected`), and that
no row at all is *not applicable*, holds for every control and is not repeated below. Thresholds come
from a profile, `default`, `strict` or your own, and lists from the parameters of the run.

Severity states how grave a fail is. *Who answers* follows AWS's shared responsibility model.

Before you run commands of a remedy, set `AWS_REGION` to the region of the finding and replace the words
in capitals, in names of files too; BEFORE is the value that a command printed or saved. Use a separate
folder for each account, region and control: the
commands save there what was set before. Undo several changes of one resource in the opposite order.
Run commands of a case, in brackets, in that case alone.
"""


def handbook() -> str:
    """Return the Markdown of ``docs/controls.md``."""
    sections = (line for letters in SECTIONS for line in _section(letters))
    introduction = _INTRODUCTION.format(
        title=source.title(), address=source.address(), edition=source.edition()
    )
    lines = [introduction, *_contents(), *_coverage(), *_frameworks(), *sections]
    lines += [*_thresholds(), *_calls()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def known() -> dict[str, Control | RollUp]:
    """Return controls and roll-ups by section, in the order in which the pack has them."""
    every: dict[str, Control | RollUp] = {**CONTROLS, **ROLL_UPS}
    order = list(SECTIONS)
    return {
        name: every[name] for name in sorted(every, key=lambda name: (order.index(name[:2]), name))
    }


def limits(control: Control) -> list[tuple[str, str]]:
    """Return a control's thresholds and lists, each with its value in the profiles."""
    return [(name, _limit(name)) for name in control.thresholds if name != CLOCK]


def judged(control: Control) -> str:
    """Return what a control makes a finding for."""
    place = "for the account" if control.scope is Scope.ACCOUNT else "for each region in scope"
    return f"each {control.noun}; at least one finding {place}"


def verdicts(control: Control) -> Iterator[tuple[str, str, str]]:
    """Yield status, reason code and words for each verdict that a control's rules can give.

    The worst come first. A row that could not be seen is "not evidenced" before any rule runs, and
    where there is no row the control is "not applicable": that holds for every control and is not
    repeated here.
    """
    words = {
        PASS: "all that is expected was seen",
        FAIL: "something expected was seen not to be so",
    }
    entries = [(status, "", words[status]) for status in control.gives]
    start = f"controls/{control.id}/verdicts/"
    for id in texts.ids():
        if id.startswith(start):
            code = id.removeprefix(start).partition("/")[0]
            reason = "" if code in WORST_FIRST else code
            status = NOT_EVIDENCED if reason else code
            filled = dict.fromkeys(texts.fields(id), ANYTHING)
            if status == ATTESTED and answered_by(control.id):
                filled["page"] = cite(control.id)
            entries.append((status, reason, texts.text(id, **filled)))
    yield from sorted(entries, key=lambda verdict: WORST_FIRST.index(verdict[0]))


def _contents() -> Iterator[str]:
    yield "## Contents\n"
    yield f"- [{_COVERAGE}](#{_anchor(_COVERAGE)})"
    yield from (
        f"- [{framework.name}](#{_anchor(framework.name)})" for framework in others().values()
    )
    for title in map(section_title, SECTIONS):
        yield f"- [{title}](#{_anchor(title)})"
    yield f"- [{_LIMITS}](#{_anchor(_LIMITS)})"
    yield f"- [{_CALLS}](#{_anchor(_CALLS)})\n"
    yield "| control | asserts | severity | who answers | AWS's page |"
    yield "|---|---|---|---|---|"
    for name, control in known().items():
        severity = control.severity if isinstance(control, Control) else "roll-up"
        places = ", ".join(_number(name)) or "beyond it"
        yield f"| {_link(name)} | {control.title} | {severity} | {control.responsibility} | {places} |"


_COVERAGE = "What AWS's page states, and which controls answer"
_LIMITS = "Thresholds"
_CALLS = "Calls that the collector makes"


def _coverage() -> Iterator[str]:
    yield f"\n## {_COVERAGE}\n"
    yield "The words are shortened; the page has them in full.\n"
    yield "| no. | AWS's page | controls |"
    yield "|---|---|---|"
    part = ""
    for n, statement in enumerate(source.statements(), 1):
        if statement.part != part:
            part = statement.part
            yield f"| | **{part}** | |"
        what = f"*{statement.what}:* " if statement.what else ""
        note = f" *{statement.note}*" if statement.note else ""
        answers = ", ".join(_link(name) for name in statement.controls)
        yield f"| {n} | {what}{statement.says}{note} | {answers} |"


def _frameworks() -> Iterator[str]:
    for id, framework in others().items():
        yield f"\n## {framework.name}\n"
        edition = texts.text(f"frameworks/{id}/edition") if framework.edition else ""
        yield f"[{framework.title}]({framework.address}). {edition}".rstrip() + "\n"
        headings = [
            texts.text(f"requirements/columns/{name}") for name in ("number", "says", "controls")
        ]
        yield f"| {' | '.join(headings)} |"
        yield "|---|---|---|"
        for statement in source.statements(id):
            answers = ", ".join(map(_link, statement.controls)) or texts.text(
                "requirements/not_tested"
            )
            says = f"{statement.says} *{statement.note}*" if statement.note else statement.says
            yield f"| {statement.number} | {says} | {answers} |"


def _number(control: str) -> list[str]:
    return [
        str(n)
        for n, statement in enumerate(source.statements(), 1)
        if control in statement.controls
    ]


def _section(letters: str) -> Iterator[str]:
    yield f"\n## {section_title(letters)}"
    for name, control in known().items():
        if control.section == letters:
            yield f'\n### <a id="{name.lower()}"></a>{name} {control.title}\n'
            yield from _control(control) if isinstance(control, Control) else _roll_up(control)


def _control(control: Control) -> Iterator[str]:
    yield (
        f"**Severity** {control.severity} · **who answers** {control.responsibility} · "
        f"**judged** {judged(control)}\n"
    )
    yield from _quotation(control)
    yield "**Expected**\n"
    yield from (f"- {clause.expected}" for clause in control.clauses)
    yield "\n**Verdicts**\n"
    for status, reason, words in verdicts(control):
        code = f", `{reason}`" if reason else ""
        yield f"- {status}{code}: {words}" if words else f"- {status}{code}"
    if limits(control):
        yield "\n**Thresholds and lists**\n"
        yield from (f"- `{name}`: {value}" for name, value in limits(control))
    yield from _articles(control)
    yield "\n**Reads**\n"
    if not control.calls:
        yield "- the parameters of the run, and how the kit's own requests travelled"
    for call in sorted(control.calls, key=lambda call: call.name):
        granted = f"`{call.action}`" if call.action else "no permission needed"
        yield f"- `{call.name}` ({granted})"
    yield "\n**Remedy**\n"
    for remedy in control.remedies:
        if remedy.when:
            yield f"*{remedy.when}*\n"
        before = [f"*{title}:* {words}" for title, words in remedy.prose[:-1]]
        yield "\n\n".join([*before, remedy.console, ""])
        for step in remedy.steps:
            yield f"{step.title}:\n\n```{step.language}\n{step.code}\n```\n"


def _roll_up(roll_up: RollUp) -> Iterator[str]:
    under = sorted(control.id for control in CONTROLS.values() if roll_up.over(control))
    yield f"**Roll-up** · **who answers** {roll_up.responsibility}\n"
    yield from _quotation(roll_up)
    yield f"**Sums up** {', '.join(under)}\n"
    yield (
        "Its verdict is the worst of theirs: fail, not evidenced, accepted, attested, pass, not "
        "applicable, in this order. It is not counted in totals and cannot be waived."
    )
    yield from _articles(roll_up)


def _quotation(control: Control | RollUp) -> Iterator[str]:
    places = _number(control.id)
    if places:
        yield f"> AWS's page, {', '.join(places)}: {control.source}\n"
    else:
        yield "> Beyond AWS's page.\n"


def _articles(control: Control | RollUp) -> Iterator[str]:
    yield "\n**GDPR**\n"
    yield from (f"- Article {article}: {why}" for article, why in cited(control.gdpr, "").items())
    if control.context:
        yield "\n**GDPR, related and not tested**\n"
        yield from (f"- Article {a}: {why}" for a, why in cited(control.context, "").items())
    if source.requirements(control.id):
        yield f"\n**{texts.text('requirements/others')}**\n"
        yield from (f"- {own.framework} {own}" for own in source.requirements(control.id))


def _thresholds() -> Iterator[str]:
    yield f"\n## {_LIMITS}\n"
    yield (
        "Each is shown in the pack beside the verdicts that it decides. How to give your own is in "
        "[using.md](using.md).\n"
    )
    yield "| field of the profile | what it limits | default | strict | controls |"
    yield "|---|---|---|---|---|"
    default, strict = load_profile("default"), load_profile("strict")
    for name in Profile.model_fields:
        if name != "name":
            users = ", ".join(_link(control.id) for control in _users(name))
            users = users or "those that another account's snapshot answers"
            values = " | ".join(threshold_text(getattr(p, name)) for p in (default, strict))
            yield f"| `{name}` | {texts.text(f'report/thresholds/limits/{name}')} | {values} | {users} |"


def _calls() -> Iterator[str]:
    yield f"\n## {_CALLS}\n"
    yield (
        "The collector only reads. `evidence policy` prints the IAM policy with these "
        "permissions, for all controls or for those that a run names.\n"
    )
    yield "| call | how often | permission | controls |"
    yield "|---|---|---|---|"
    readers: dict[str, list[str]] = {name: [] for name in CALLS}
    for control in CONTROLS.values():
        for call in control.calls:
            readers[call.name].append(control.id)
    for row in plan(CALLS.values()):
        direct = ", ".join(_link(name) for name in sorted(readers[row["call"]]))
        yield (
            f"| `{row['call']}` | {row['requested']} | {row['action']} | "
            f"{direct or 'other calls depend on its answer'} |"
        )


def _users(threshold: str) -> Iterable[Control]:
    return [
        control
        for control in known().values()
        if isinstance(control, Control) and threshold in control.thresholds
    ]


@cache
def _limit(name: str) -> str:
    if name in Run.model_fields:
        return "as the parameters declare"
    values = {p: threshold_text(getattr(load_profile(p), name)) for p in ("default", "strict")}
    if len(set(values.values())) == 1:
        return f"{values['default']} in both profiles"
    return f"{values['default']} (default), {values['strict']} (strict)"


def threshold_text(value: Any) -> str:
    """Return a threshold as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _anchor(heading: str) -> str:
    """Return the anchor that GitHub and GitLab give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
