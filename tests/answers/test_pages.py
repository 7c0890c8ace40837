"""An account all of whose texts mean harm: its page holds and runs nothing but what is ours."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pikepdf
import pytest
from playwright.sync_api import Browser

from tests.answers import chain
from tests.answers.canaries import Planted
from tests.answers.playback import Account
from tests.answers.shapes import HOSTILE

HARM = (*(text for text in HOSTILE if text.strip()), "<style>*{color:red}</style><p style='top:0'>")
# What a pack shows depends on what the account holds that day: every other text is one of these.
SOUGHT = ("<script>alert(1)</script>", '" onmouseover="alert(1)" x="', "=cmd|'/C calc'!A0")
WATCH = """
window.seen = [];
document.addEventListener("securitypolicyviolation", event =>
    window.seen.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
window.alert = text => window.seen.push(`alert ${text}`);
"""
OURS = """() => ({
    scripts: document.scripts.length,
    styles: document.querySelectorAll("style, link").length,
    handlers: [...document.querySelectorAll("*")].flatMap(element => [...element.attributes]
        .filter(one => one.name.startsWith("on") || one.name === "style"
            || /^\\s*(javascript|data:text)/i.test(one.value)).map(one => one.name)),
    embedded: document.querySelectorAll("iframe, object, embed, base, form, b").length,
    images: [...document.images].filter(one => !one.src.startsWith("data:image/svg")).length,
})"""


@pytest.fixture(scope="module")
def pack(careless: Account, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The pack of such an account, its names shown in clear."""
    folder = tmp_path_factory.mktemp("harm")
    account = careless.requested_with(pseudonymise=False)

    def write(number: int) -> str:
        every_other, odd = divmod(number, 2)
        texts = HARM if odd else SOUGHT
        return texts[every_other % len(texts)] + str(number)

    planted = Planted(account, joined=True, write=write)
    snapshot = planted.account.collect(folder / "run").folder
    return chain.sealed(snapshot, folder / "pack", with_pdf=True)


def test_a_page_of_hostile_texts_holds_and_runs_what_is_ours(
    pack: dict[str, bytes], browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "evidence.html"
    path.write_bytes(pack["data/evidence.html"])
    context = browser.new_context()
    requested: list[str] = []
    reported: list[str] = []
    page = context.new_page()
    page.add_init_script(WATCH)
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: reported.append(message.text))
    page.on("pageerror", lambda error: reported.append(str(error)))
    page.on("dialog", lambda dialog: reported.append(dialog.message))
    page.goto(path.as_uri())
    for summary in page.locator("summary").all():
        summary.click()
    found = page.evaluate(OURS)
    page.emulate_media(media="print")  # tables that nobody looks at have no text on a screen
    shown = page.locator("body").inner_text()
    seen = page.evaluate("window.seen")
    context.close()
    assert SOUGHT[0] in shown
    assert SOUGHT[1] in shown
    assert seen == []
    assert reported == []
    assert {url for url in requested if not url.startswith("data:image/svg")} == {path.as_uri()}
    assert found == {"scripts": 1, "styles": 1, "handlers": [], "embedded": 0, "images": 0}


def test_its_document_and_workbook_are_made_and_hold_no_formula(pack: dict[str, bytes]) -> None:
    with pikepdf.open(io.BytesIO(pack["data/evidence.pdf"])) as file:
        assert len(file.pages) > 10
        assert set(file.attachments) == {"findings.csv", "evidence.csv", "snapshot.json"}
    book = openpyxl.load_workbook(io.BytesIO(pack["data/findings.xlsx"]))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert any(SOUGHT[2] in str(cell.value) for cell in cells)
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
