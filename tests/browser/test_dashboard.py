"""The pages in a real browser, over a real system: what people see, press and hear."""

import re
import signal
import socket
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pydantic import SecretStr

from tests.browser.conftest import HOSTILE, SCENES, SMALL, small_pictures
from tests.processes import Processes, eventually, free_port

PAGES = {
    "/": "Overview",
    "/pictures": "Pictures",
    "/animals": "Animals",
    "/upload": "Upload",
    "/imports": "Imports",
    "/lag": "Lag",
    "/workers": "Workers",
    "/failures": "Failures",
    "/replay": "Replay",
    "/dead-letters": "Dead letters",
}
# What has no name for a screen reader, and pictures that say nothing of what they show, not even that.
NAMELESS = """() => [
  ...[...document.querySelectorAll("a, button, input, select, [role=img], [role=group]")].filter(e =>
    e.checkVisibility() && ![e.getAttribute("aria-label"), e.textContent, e.labels?.[0]?.textContent].join("").trim()),
  ...document.querySelectorAll("img:not([alt])"),
].map(e => e.outerHTML)"""
ONE_EACH = """() => ["main", "header nav", "h1", "a[aria-current=page]"].map(
  name => [...document.querySelectorAll(name)].filter(e => e.checkVisibility()).length)"""


@pytest.mark.parametrize(("path", "title"), PAGES.items())
def test_every_page_can_be_read_by_everybody(page: Page, address: str, path: str, title: str) -> None:
    answer = page.goto(address + path)
    assert answer is not None
    assert answer.status == 200
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    expect(page).to_have_title(f"{title} · Thumper")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    assert page.evaluate(ONE_EACH) == [1, 1, 1, 1]
    assert page.evaluate(NAMELESS) == []
    expect(page.locator(".trouble")).to_have_count(0)
    for width in (390, 820, 1_600):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, f"wider than {width}"


def test_pages_work_without_scripts_and_are_dark_where_people_want_it(page: Page, address: str) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    page.goto(address)
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) != light
    page.get_by_role("button", name="Theme").click()
    assert page.evaluate(ground) == light
    page.reload()
    assert page.evaluate(ground) == light
    bare = page.context.browser.new_page(java_script_enabled=False)  # type: ignore[union-attr]
    bare.goto(address)
    expect(bare.locator(".figure.failed dd").first).to_have_text("1")
    bare.close()


def test_numbers_renew_themselves_and_names_stay_words(
    page: Page, address: str, system: Processes, tmp_path: Path
) -> None:
    page.goto(address)
    total = SCENES + SMALL
    completed = page.locator(".figure.completed dd").first
    expect(completed).to_have_text(str(total))
    expect(page.get_by_role("link", name=HOSTILE, exact=True)).to_be_visible()
    page.evaluate("window.same = true")
    small_pictures(tmp_path / "card", 3, first=500)
    assert system.run("import", str(tmp_path / "card"), "--location", "Later").returncode == 0
    expect(completed).to_have_text(str(total + 3))
    assert page.evaluate("window.same"), "the page was not loaded anew"


def test_pictures_are_narrowed_and_turned_by_key(page: Page, address: str) -> None:
    page.goto(f"{address}/pictures")
    page.get_by_label("Location").select_option(label=HOSTILE)
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".thumbs li")).to_have_count(48)
    page.get_by_role("link", name="Older pictures").click()
    expect(page.locator(".thumbs li")).to_have_count(SMALL - 48)
    page.locator(".thumbs a").first.click()
    name = page.get_by_role("heading", level=1)
    expect(name).to_have_text("20260101_001100_11.png")
    page.keyboard.press("ArrowLeft")
    expect(name).to_have_text("20260101_001200_12.png")
    page.keyboard.press("ArrowRight")
    expect(name).to_have_text("20260101_001100_11.png")
    page.get_by_role("link", name="All pictures").click()
    expect(page.get_by_label("Location")).to_have_value(page.get_by_label("Location").input_value())
    expect(page.locator(".thumbs li")).to_have_count(48)
    page.goto(f"{address}/pictures?min_confidence=2")
    expect(page.get_by_role("alert").filter(has_text="min_confidence")).to_be_visible()
    page.goto(f"{address}/pictures/none")
    expect(page.get_by_role("alert").filter(has_text="No picture has this id")).to_be_visible()


def test_boxes_lie_on_the_picture_and_can_be_taken_off(page: Page, address: str) -> None:
    page.goto(f"{address}/pictures?min_confidence=0.5")
    page.locator(".thumbs a").first.click()
    box = page.locator(".box").first
    expect(box).to_be_visible()
    page.keyboard.press("b")
    expect(box).to_be_hidden()
    page.get_by_role("button", name="Boxes").click()
    expect(box).to_be_visible()


def test_animals_stand_on_a_map_without_tiles(page: Page, address: str) -> None:
    page.goto(f"{address}/animals")
    place = page.locator("svg.map").get_by_role("link", name="Hayfield")
    expect(place).to_be_visible()
    place.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/pictures\?location_id="))


def test_failures_and_dead_letters_are_tried_again(page: Page, address: str, system: Processes) -> None:
    page.goto(f"{address}/failures")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Retry all 1 picture").click()
    expect(page.get_by_role("status").filter(has_text="1 of 1 failed pictures are in the pipeline")).to_be_visible()
    page.goto(f"{address}/workers")
    for name, state in (("Pause", "paused"), ("Go on", "running")):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.locator("#toast")).to_have_text(f"The detector is to be {state}")
        expect(page.get_by_role("row", name="d1").get_by_text(state)).to_be_visible()
    assert system.ends("requests") != dict.fromkeys(system.ends("requests"), 0)
    page.goto(f"{address}/dead-letters")
    page.get_by_role("button", name="Retry").first.click()
    expect(page.locator("#toast")).to_have_text("Sent again")


def test_replays_are_looked_at_done_and_undone(page: Page, address: str, system: Processes) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{address}/workers")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#toast")).to_have_text("The detector is to be paused")
    page.goto(f"{address}/replay")
    expect(page.get_by_text("None was ever begun.")).to_be_visible()
    plan = page.get_by_role("region", name="What this would do")
    total = system.get("/api/processing/status")["total"]

    page.get_by_role("radio", name="Everything").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_label("Imported at or after").fill("2026-01-01T00:00")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What this would do")).to_be_focused()
    expect(plan.locator("[data-say=pictures]")).to_have_text(str(total))
    expect(plan).to_contain_text("time of import (the broker's), never of capture")
    page.get_by_label("Imported at or after").fill("2026-01-01T00:01")
    expect(plan).to_be_hidden()

    page.get_by_role("radio", name="Everything").check()
    page.get_by_role("button", name="Look first").click()
    page.get_by_label("Pause the detectors").check()
    page.get_by_label("Type replay to do it").fill("yes")
    page.keyboard.press("Enter")
    expect(plan).to_be_visible()
    assert system.get("/api/replay") == []
    page.get_by_label("Type replay to do it").fill("replay")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_have_text("The detectors went back to the earliest event")
    expect(plan).to_be_hidden()
    row = page.get_by_role("row", name="to the earliest event")
    expect(row.get_by_text("under way")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toast")).to_contain_text("Undone")
    expect(row.get_by_text("undone")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    page.goto(f"{address}/workers")
    page.get_by_role("button", name="Go on", exact=True).click()
    expect(page.get_by_role("row", name="d1").get_by_text("running")).to_be_visible()


def test_chosen_pictures_are_done_again(page: Page, address: str, system: Processes) -> None:
    page.goto(f"{address}/replay")
    page.get_by_role("radio", name="Chosen pictures").check()
    page.get_by_role("button", name="Look first").click()
    expect(page.locator("#toast")).to_contain_text("nothing says which pictures")
    page.get_by_label("Location").select_option(label=HOSTILE)
    page.get_by_label("Taken to").fill("2026-01-01")
    # A new place in the list shall not undo what somebody is choosing.
    page.evaluate("thumper.renew({choose: 'drawn anew'})")
    page.get_by_role("button", name="Look first").click()
    plan = page.get_by_role("region", name="What this would do")
    expect(plan.locator("[data-say=locations]")).to_have_text(f"{HOSTILE} {SMALL}")
    expect(plan.locator("[data-say=taken]")).to_have_text("1 Jan 2026, 00:00 to 1 Jan 2026, 00:59")
    page.get_by_label("Type replay to do it").fill("replay")
    page.get_by_role("button", name="Process again").click()
    expect(page.locator("#toast")).to_have_text(f"{SMALL} pictures are asked for now, 0 were waiting already")
    system.wait_drained()


def test_pictures_are_dropped_in(page: Page, address: str, tmp_path: Path) -> None:
    files = [*small_pictures(tmp_path, 2, first=700), tmp_path / "notes.txt"]
    files[-1].write_text("no picture")
    page.goto(f"{address}/upload")
    page.get_by_label("Location").fill("By hand")
    for said in ("2 imported.", "0 imported, 2 known already."):
        page.locator("#files").set_input_files(files)
        page.get_by_label("Location").fill("By hand")
        page.get_by_role("button", name="Upload").click()
        expect(page.locator("#outcome")).to_have_text(said)
        expect(page.locator("#refused li")).to_have_text(["notes.txt: not a picture by its name"])


def test_a_change_asks_for_the_token_where_there_is_one(page: Page, system: Processes) -> None:
    port = free_port()
    part = system.start("api", api_port=port, api_token=SecretStr("open sesame"))
    _wait_listening(port)
    page.goto(f"http://127.0.0.1:{port}/pictures")
    page.locator(".thumbs a").first.click()
    for token in ("wrong", "open sesame"):
        if token == "wrong":
            page.get_by_role("button", name="Process again").click()
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Go on").click()
    expect(page.locator("#toast")).to_contain_text("in the pipeline")
    assert part.stop() == 0


def test_a_lost_connection_is_said_and_comes_back(page: Page, system: Processes) -> None:
    port = free_port()
    part = system.start("api", api_port=port)
    _wait_listening(port)
    page.goto(f"http://127.0.0.1:{port}/workers")
    expect(page.get_by_text("d1", exact=True)).to_be_visible()
    page.wait_for_function("window.did_handshake")
    part.send(signal.SIGTERM)
    expect(page.get_by_role("alert").filter(has_text="Connection lost")).to_be_visible()
    part.process.wait(60)
    again = system.start("api", api_port=port)
    expect(page.get_by_role("alert").filter(has_text="Connection lost")).to_be_hidden(timeout=120_000)
    expect(page.get_by_text("d1", exact=True)).to_be_visible()
    assert again.stop() == 0


def test_what_cannot_be_read_is_said_and_not_guessed(page: Page, system: Processes) -> None:
    port = free_port()
    part = system.start("api", api_port=port, kafka_bootstrap="127.0.0.1:1")
    _wait_listening(port)
    answer = page.goto(f"http://127.0.0.1:{port}/")
    assert answer is not None
    assert answer.status == 503
    expect(page.get_by_role("alert").filter(has_text="Kafka does not answer")).to_be_visible()
    expect(page.locator(".figure")).to_have_count(0)
    assert part.stop() == 0


def _wait_listening(port: int) -> None:
    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    eventually(listens, "the API listens")
