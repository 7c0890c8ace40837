"""Commands copied out of the PDF run: two extractors give back the commands of the catalogue."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nbformat.v4 import new_notebook

from kit.controls import CONTROLS
from kit.pack.commands import columns, folded
from kit.pack.document import document
from kit.pack.layout import lay_out
from kit.pack.pdf import pdf
from kit.report.views import Remedies
from tests.pack.conformance import faults
from tests.pack.conftest import cover, shown

STARTS = ("aws ", "cp ")
LONG = "aws x --tags " + "k" * 180 + " --no-y"  # longer than a line of the page


EVERY = [(name, remedy) for name, one in CONTROLS.items() for remedy in one.remedies]


def code(*languages: str) -> str:
    steps = [step for _, remedy in EVERY for step in remedy.steps]
    return "\n".join(step.code for step in steps if step.language in languages)


@pytest.fixture(scope="module", params=["A4", "Letter"])
def made(request: pytest.FixtureRequest) -> bytes:
    """The commands of all controls on pages."""
    entries = [
        {"controls": [name], "when": r.when, "steps": [step._asdict() for step in r.steps]}
        for name, r in EVERY
        if r.steps
    ]
    long = {"title": "AWS CLI", "language": "sh", "code": LONG}
    entries.append({"controls": ["XX-01"], "when": "", "steps": [long]})
    view = Remedies(entries)
    return pdf(document(new_notebook(cells=[shown(cover()), shown(view)])), request.param)


def by_pypdf(file: bytes, folder: Path) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(file)).pages)


def by_poppler(file: bytes, folder: Path, *options: str) -> str:
    (folder / "commands.pdf").write_bytes(file)
    command = ["pdftotext", *options, str(folder / "commands.pdf"), "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout.decode()


def by_poppler_as_laid_out(file: bytes, folder: Path) -> str:
    return by_poppler(file, folder, "-layout")


def commands(text: str) -> list[list[str]]:
    """Commands as a shell reads them: a backslash continues a line."""
    joined = re.sub(r"\\\n", "", text)
    lines = (line.strip() for line in joined.splitlines())
    return [shlex.split(line) for line in lines if line.startswith(STARTS)]


@pytest.mark.parametrize("extract", [by_pypdf, by_poppler, by_poppler_as_laid_out])
def test_commands_copied_out_of_the_pdf_are_those_of_the_catalogue(
    made: bytes, extract: Callable[[bytes, Path], str], tmp_path: Path
) -> None:
    text = extract(made, tmp_path)
    expected = commands(f"{code('sh')}\n{LONG}")
    assert len(expected) > 100
    assert commands(text) == expected
    started = tuple({line.split()[0] for line in code("sh").splitlines() if line[0] != "#"})
    assert {f"{word} " for word in started} == set(STARTS)


def test_they_are_on_conforming_pages(made: bytes) -> None:
    assert faults(made) == []


def test_terraform_is_printed_line_by_line(made: bytes, tmp_path: Path) -> None:
    printed = [line.split() for line in by_poppler_as_laid_out(made, tmp_path).splitlines()]
    for line in code("terraform").splitlines():
        assert line.split() in printed


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=30)


@given(st.lists(WORDS, min_size=1, max_size=20), st.integers(10, 60))
@example(["-x", "", "'", "#", "\\"], 10)
def test_a_shell_reads_the_lines_as_the_command(words: list[str], across: int) -> None:
    command = "aws " + shlex.join(words)
    (line,) = folded(command, across)
    assert shlex.split(line.text.replace("\\\n", "")) == ["aws", *words]
    for part in line.text.split("\n"):
        assert columns(part) <= across or len(shlex.split(part.removesuffix(" \\"))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "aws x --a 'open\nquotation' --b another --c another --d another",
        "aws x --a 1 --b 2 --c 3 --d 4 --e 5 # with a comment",
        "aws x --a 1 --b 2 --c 3 --d 4 --e 5 \\\n  --f 6",
        "cat > file.json <<END\n1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\nEND",
    ],
)
def test_lines_that_depend_on_others_stay(code: str) -> None:
    assert "\n".join(line.text for line in folded(code, 20)) == code


def test_lines_end_between_options_and_comments_stay_comments() -> None:
    code = "# Undo: the same command\n  aws x --name NAME --value VALUE --no-z\n\naws y"
    assert [tuple(line) for line in folded(code, 22)] == [
        (True, "# Undo: the same\n# command"),
        (False, "  aws x --name NAME \\\n      --value VALUE \\\n      --no-z"),
        (False, ""),
        (False, "aws y"),
    ]


def test_a_long_word_gets_smaller_letters() -> None:
    sizes = []
    for length in (50, 150, 1000):
        code = f"aws x --tags {'k' * length}"
        steps = [{"title": "AWS CLI", "language": "sh", "code": code}]
        view = Remedies([{"controls": ["AR-05"], "when": "", "steps": steps}])
        data, _ = lay_out(document(new_notebook(cells=[shown(cover()), shown(view)])), "A4")
        ((step,),) = [e["steps"] for b in data["blocks"] for e in b.get("entries", [])]
        sizes.append((step["size"], len(step["lines"][0]["pieces"]) > 1))
    assert [broken for _, broken in sizes] == [False, False, True]
    assert sizes[0][0] > sizes[1][0] > sizes[2][0]
