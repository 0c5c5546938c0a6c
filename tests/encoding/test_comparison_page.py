"""The page that compares pictures: what is in it, and what it does in a browser."""

import base64
import html
import io
import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tests.browser import chromium
from vs_espcn.encoding.comparison_page import comparison_page

COLOURS = {"red": (255, 0, 0), "green": (0, 160, 0), "blue": (0, 0, 255)}
WIDTH, HEIGHT = 600, 300


def data_of(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="comparison">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_pictures_are_in_the_page_without_loss() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    pictures = {"one": Image.fromarray(noise), "other": Image.fromarray(255 - noise)}
    (frame,) = data_of(comparison_page("film.mkv", [("frame 7", pictures)]))["frames"]
    assert (frame["label"], frame["width"], frame["height"]) == ("frame 7", 64, 48)
    assert [each["name"] for each in frame["pictures"]] == ["one", "other"]
    for each, expected in zip(frame["pictures"], (noise, 255 - noise), strict=True):
        kind, _, data = each["data"].partition(";base64,")
        assert kind == "data:image/webp"
        with Image.open(io.BytesIO(base64.b64decode(data))) as decoded:
            assert np.array_equal(np.asarray(decoded.convert("RGB")), expected)


def test_a_picture_too_large_for_webp_is_png() -> None:
    wide = Image.new("RGB", (16384, 1))
    (frame,) = data_of(comparison_page("film.mkv", [("frame 0", {"one": wide})]))["frames"]
    assert frame["pictures"][0]["data"].startswith("data:image/png;base64,")


def test_it_refers_to_nothing_outside() -> None:
    page = comparison_page("film.mkv", [("frame 0", {"one": Image.new("RGB", (8, 8))})])
    assert "default-src 'none'" in page
    assert not re.search(r"https?:|\b(href|src)=|@import|url\(", page)


def test_a_files_name_is_text() -> None:
    title = "</script><script>alert(1)</script> COMPARISON & ü.mkv"
    page = comparison_page(title, [("frame 0", {"<b>one": Image.new("RGB", (8, 8))})])
    assert page.count("<script") == 2
    assert title not in page
    assert html.escape(title) not in page
    assert data_of(page)["title"] == title


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WebDriver, str]]:
    folder = tmp_path_factory.mktemp("browser")
    with chromium(folder / "profile") as driver:
        pictures = {name: Image.new("RGB", (WIDTH, HEIGHT), colour) for name, colour in COLOURS.items()}
        dark = {name: Image.new("RGB", (WIDTH, HEIGHT), "#101010") for name in ("red", "blue")}
        page = comparison_page("film.mkv", [("frame 1", pictures), ("frame 9", dark)])
        (folder / "page.html").write_text(page, encoding="utf-8")
        yield driver, (folder / "page.html").as_uri()


@pytest.fixture
def page(browser: tuple[WebDriver, str]) -> Iterator[WebDriver]:
    """The page, just opened."""
    driver, address = browser
    driver.get(address)
    yield driver
    assert driver.get_log("browser") == []


def at(page: WebDriver, x: float) -> tuple[int, ...]:
    """The colour that is seen at a part of the picture's width from its left edge, a quarter from the top."""
    box = page.execute_script(
        "return document.getElementById('left-picture').getBoundingClientRect().toJSON()"
    )
    with Image.open(io.BytesIO(page.get_screenshot_as_png())) as shot:
        point = round(box["left"] + x * box["width"]), round(box["top"] + box["height"] / 4)
        return shot.convert("RGB").getpixel(point)


def press(page: WebDriver, *keys: str) -> None:
    ActionChains(page).send_keys(*keys).perform()


def shown(page: WebDriver, name: str) -> str:
    return page.execute_script("return document.getElementById(arguments[0]).textContent", name)


def test_left_and_right_are_on_their_sides(page: WebDriver) -> None:
    assert page.title == "film.mkv"
    assert (at(page, 0.1), at(page, 0.9)) == (COLOURS["red"], COLOURS["blue"])


def test_the_line_is_dragged(page: WebDriver) -> None:
    handle = page.find_element("id", "handle")
    assert (at(page, 0.3), at(page, 0.7)) == (COLOURS["red"], COLOURS["blue"])
    ActionChains(page).drag_and_drop_by_offset(handle, 250, 0).perform()
    assert (at(page, 0.7), at(page, 0.99)) == (COLOURS["red"], COLOURS["blue"])
    ActionChains(page).drag_and_drop_by_offset(handle, -450, 0).perform()
    assert (at(page, 0.01), at(page, 0.3)) == (COLOURS["red"], COLOURS["blue"])


def test_keys_slide_and_switch(page: WebDriver) -> None:
    press(page, Keys.ARROW_RIGHT * 3)
    assert page.find_element("id", "handle").get_attribute("aria-valuenow") == "56"
    press(page, Keys.ARROW_UP)
    assert (shown(page, "right-name"), at(page, 0.9)) == ("green", COLOURS["green"])
    press(page, "x")
    assert (at(page, 0.1), at(page, 0.9)) == (COLOURS["green"], COLOURS["red"])
    press(page, Keys.PAGE_DOWN)
    assert (at(page, 0.1), at(page, 0.9)) == ((16, 16, 16), (16, 16, 16))
    assert page.find_element("id", "frame").get_attribute("value") == "1"


def test_a_menu_chooses_the_network(page: WebDriver) -> None:
    Select(page.find_element("id", "right")).select_by_visible_text("green")
    assert at(page, 0.9) == COLOURS["green"]
    Select(page.find_element("id", "left")).select_by_visible_text("blue")
    assert at(page, 0.1) == COLOURS["blue"]
    Select(page.find_element("id", "frame")).select_by_visible_text("frame 9")
    assert shown(page, "left-name") == "blue", "a name that the frame has too is kept"


def test_zoom_keeps_the_line_on_the_same_place(page: WebDriver) -> None:
    assert page.find_element("id", "zoom").text == "100 %"
    press(page, "+", "+")
    width = page.execute_script(
        "return document.getElementById('left-picture').getBoundingClientRect().width"
    )
    assert (page.find_element("id", "zoom").text, width) == ("300 %", 3 * WIDTH)
    assert (at(page, 0.45), at(page, 0.55)) == (COLOURS["red"], COLOURS["blue"])
    press(page, "0")
    assert page.find_element("id", "zoom").text != "300 %"
    press(page, "1")
    assert page.find_element("id", "zoom").text == "100 %"
