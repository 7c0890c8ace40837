"""What the kit asserts, written out for people: ``docs/controls.md``, made from the registry."""

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

_ANYTHING = "…"  # stands in a text for what a row fills in

_INTRODUCTION = """\
# What the kit asserts

Every control, as the code declares it; `make docs` writes this file, and a test holds it to the
code. `evidence controls AR-05` tells the same of one control in a terminal.

The controls follow AWS's page "[{title}]({address})" and go beyond it where the GDPR asks for more;
each says which. {edition}

A control is a rule that is asked about each row of one table, made from what AWS answered. Its
verdicts:

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
from a profile, `default`, `strict` or one of your own, and lists from the parameters of the run.

Severity says how grave a fail is. *Who answers* follows AWS's shared responsibility model.
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
    """Controls and roll-ups by section, in the order in which the pack has them."""
    every: dict[str, Control | RollUp] = {**CONTROLS, **ROLL_UPS}
    order = list(SECTIONS)
    return {
        name: every[name] for name in sorted(every, key=lambda name: (order.index(name[:2]), name))
    }


def limits(control: Control) -> list[tuple[str, str]]:
    """Return a control's thresholds and lists, each with its value in the profiles."""
    return [(name, _limit(name)) for name in control.thresholds if name != CLOCK]


def judged(control: Control) -> str:
    """Say what a control makes a finding for."""
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
    found = [(status, "", words[status]) for status in control.gives]
    start = f"controls/{control.id}/verdicts/"
    for id in texts.ids():
        if id.startswith(start):
            code = id.removeprefix(start).partition("/")[0]
            reason = "" if code in WORST_FIRST else code
            status = NOT_EVIDENCED if reason else code
            filled = dict.fromkeys(texts.fields(id), _ANYTHING)
            if status == ATTESTED and answered_by(control.id):
                filled["page"] = cite(control.id)
            found.append((status, reason, texts.text(id, **filled)))
    yield from sorted(found, key=lambda verdict: WORST_FIRST.index(verdict[0]))


def _contents() -> Iterator[str]:
    yield "## Contents\n"
    yield f"- [{_COVERAGE}](#{_anchor(_COVERAGE)})"
    yield from (f"- [{one.name}](#{_anchor(one.name)})" for one in others().values())
    for title in map(section_title, SECTIONS):
        yield f"- [{title}](#{_anchor(title)})"
    yield f"- [{_LIMITS}](#{_anchor(_LIMITS)})"
    yield f"- [{_ASKED}](#{_anchor(_ASKED)})\n"
    yield "| control | asserts | severity | who answers | AWS's page |"
    yield "|---|---|---|---|---|"
    for name, one in known().items():
        severity = one.severity if isinstance(one, Control) else "roll-up"
        places = ", ".join(_number(name)) or "beyond it"
        yield f"| {_link(name)} | {one.title} | {severity} | {one.responsibility} | {places} |"


_COVERAGE = "What AWS's page says, and which controls answer"
_LIMITS = "Thresholds"
_ASKED = "What AWS is asked"


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
        for one in source.statements(id):
            answers = ", ".join(map(_link, one.controls)) or texts.text("requirements/not_tested")
            says = f"{one.says} *{one.note}*" if one.note else one.says
            yield f"| {one.number} | {says} | {answers} |"


def _number(control: str) -> list[str]:
    return [str(n) for n, said in enumerate(source.statements(), 1) if control in said.controls]


def _section(letters: str) -> Iterator[str]:
    yield f"\n## {section_title(letters)}"
    for name, one in known().items():
        if one.section == letters:
            yield f'\n### <a id="{name.lower()}"></a>{name} {one.title}\n'
            yield from _control(one) if isinstance(one, Control) else _roll_up(one)


def _control(one: Control) -> Iterator[str]:
    yield (
        f"**Severity** {one.severity} · **who answers** {one.responsibility} · "
        f"**judged** {judged(one)}\n"
    )
    yield from _said(one)
    yield "**Expected**\n"
    yield from (f"- {clause.expected}" for clause in one.clauses)
    yield "\n**Verdicts**\n"
    for status, reason, words in verdicts(one):
        code = f", `{reason}`" if reason else ""
        yield f"- {status}{code}: {words}" if words else f"- {status}{code}"
    if limits(one):
        yield "\n**Thresholds and lists**\n"
        yield from (f"- `{name}`: {value}" for name, value in limits(one))
    yield from _articles(one)
    yield "\n**Reads**\n"
    if not one.calls:
        yield "- the parameters of the run, and how the kit's own requests travelled"
    for call in sorted(one.calls, key=lambda call: call.name):
        granted = f"`{call.action}`" if call.action else "no permission needed"
        yield f"- `{call.name}` ({granted})"
    yield "\n**Remedy**\n"
    yield f"{one.remedy.console}\n"
    for language, code in (("sh", one.remedy.cli), ("terraform", one.remedy.terraform)):
        if code:
            yield f"```{language}\n{code}\n```\n"


def _roll_up(one: RollUp) -> Iterator[str]:
    under = sorted(control.id for control in CONTROLS.values() if one.over(control))
    yield f"**Roll-up** · **who answers** {one.responsibility}\n"
    yield from _said(one)
    yield f"**Sums up** {', '.join(under)}\n"
    yield (
        "Its verdict is the worst of theirs: fail, not evidenced, accepted, attested, pass, not "
        "applicable, in this order. It is not counted in totals and cannot be waived."
    )
    yield from _articles(one)


def _said(one: Control | RollUp) -> Iterator[str]:
    places = _number(one.id)
    if places:
        yield f"> AWS's page, {', '.join(places)}: {one.source}\n"
    else:
        yield "> Beyond AWS's page.\n"


def _articles(one: Control | RollUp) -> Iterator[str]:
    yield "\n**GDPR**\n"
    yield from (f"- Article {article}: {why}" for article, why in cited(one.gdpr, "").items())
    if one.context:
        yield "\n**GDPR, related and not tested**\n"
        yield from (f"- Article {a}: {why}" for a, why in cited(one.context, "").items())
    if source.requirements(one.id):
        yield f"\n**{texts.text('requirements/others')}**\n"
        yield from (f"- {own.framework} {own}" for own in source.requirements(one.id))


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
            users = ", ".join(_link(one.id) for one in _users(name))
            users = users or "those that another account's snapshot answers"
            values = " | ".join(threshold_text(getattr(p, name)) for p in (default, strict))
            yield f"| `{name}` | {texts.text(f'report/thresholds/limits/{name}')} | {values} | {users} |"


def _calls() -> Iterator[str]:
    yield f"\n## {_ASKED}\n"
    yield (
        "Reading is all that the collector does. `evidence policy` prints the IAM policy with these "
        "permissions, for all controls or for those that a run names.\n"
    )
    yield "| call | asked | permission | controls |"
    yield "|---|---|---|---|"
    readers: dict[str, list[str]] = {name: [] for name in CALLS}
    for one in CONTROLS.values():
        for call in one.calls:
            readers[call.name].append(one.id)
    for row in plan(CALLS.values()):
        direct = ", ".join(_link(name) for name in sorted(readers[row["call"]]))
        yield (
            f"| `{row['call']}` | {row['asked']} | {row['action']} | "
            f"{direct or 'what other calls ask depends on it'} |"
        )


def _users(threshold: str) -> Iterable[Control]:
    return [
        one for one in known().values() if isinstance(one, Control) and threshold in one.thresholds
    ]


@cache
def _limit(name: str) -> str:
    if name in Run.model_fields:
        return "as the parameters say"
    values = {p: threshold_text(getattr(load_profile(p), name)) for p in ("default", "strict")}
    if len(set(values.values())) == 1:
        return f"{values['default']} in both profiles"
    return f"{values['default']} (default), {values['strict']} (strict)"


def threshold_text(value: Any) -> str:
    """A threshold as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _anchor(heading: str) -> str:
    """The anchor that GitHub and GitLab give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
