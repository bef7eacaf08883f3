"""The site as a reader meets it: built without a warning, then opened in a browser from its files.

The browser is Chromium without a window; these tests are skipped where there is none (./setup developer).
"""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest

from grader.labs import find_labs
from grader.paths import ROOT
from grader.selftest import looking
from grader.selftest.browser import DESK, PHONE, Browser, program

SECONDS = 60        # of a processor: how busy the machine is has no say
LOOKS = [(PHONE, False), (DESK, True), (PHONE, True), (DESK, False)]

needs_sphinx = pytest.mark.skipif(not shutil.which("sphinx-build"), reason="sphinx-build is missing")
needs_browser = pytest.mark.skipif(not program(), reason="no Chromium: ./setup developer")
pytestmark = needs_sphinx


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built anew."""
    place = tmp_path_factory.mktemp("site")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(["sphinx-build", "-W", "--keep-going", "-q", "-b", "html",
                           str(ROOT / "docs"), str(place)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used < SECONDS, "the site takes too long to build"
    return place


@pytest.fixture(scope="module")
def browser():
    with Browser() as started:
        yield started


class Links(HTMLParser):
    """The targets and the links of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []      # an <a> to another site is not followed
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.ids.add(value)
            elif name == "src" and value is not None or name == "href" and value is not None and (
                    tag != "a" or not value.startswith("https://")):
                self.links.append(value)


@cache
def links_of(page: Path) -> Links:
    return Links(page.read_text(encoding="utf-8"))


def test_every_link_has_a_target(site):
    broken = []
    for page in sorted(site.rglob("*.html")):
        for link in links_of(page).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                broken += [f"{page.name}: {link}"] if parts.scheme != "data" else []
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.is_file():
                broken.append(f"{page.relative_to(site)}: {link}")
            elif parts.fragment and target.suffix == ".html" and \
                    unquote(parts.fragment) not in links_of(target).ids:
                broken.append(f"{page.relative_to(site)}: {link}")
    assert not broken


def test_every_drawing_says_what_it_shows(site):
    """A title, a description that is more than the title, a text form beside it; and it is valid XML."""
    count = 0
    for page in sorted(site.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        for figure in re.findall(r'<figure class="drawing">.*?</figure>', text, re.S):
            svg = ElementTree.fromstring(re.search(r"<svg.*?</svg>", figure, re.S)[0])
            title, desc = svg.findtext("title"), svg.findtext("desc")
            assert svg.get("role") == "img" and title and desc and len(desc) > len(title), page
            assert svg.get("aria-labelledby").split() == [svg.find("title").get("id"),
                                                          svg.find("desc").get("id")]
            assert "<details" in figure and "<pre>" in figure, page
            count += 1
    assert count > 40


def test_no_drawing_is_wider_than_its_text_needs(site):
    """What a drawing has drawn lies inside its frame."""
    for page in sorted(site.rglob("*.html")):
        for svg in re.findall(r'<svg class="drawing".*?</svg>', page.read_text(encoding="utf-8"), re.S):
            root = ElementTree.fromstring(svg)
            width, height = float(root.get("width")), float(root.get("height"))
            for text in root.iter("text"):
                assert 0 <= float(text.get("x")) <= width and 0 <= float(text.get("y")) <= height, page


@pytest.mark.parametrize("number", [n for n in sorted(find_labs()) if n > 0 and n < 8])
def test_a_handout_has_all_its_parts(number):
    text = (ROOT / f"docs/labs/lab{number}.rst").read_text(encoding="utf-8")
    for part in ("\nGoals\n", ":Read first:", f".. lab-points:: {number}\n", ".. drawing::",
                 "\nHow the grader tries it\n", "\nQuestions for an oral\n", ".. fold:: Hint",
                 "\nWhat the grader cannot see\n"):
        assert part in text, part
    for exercise in find_labs()[number].exercises:
        assert f".. lab-tests:: {exercise.id}\n" in text, exercise.id


# ---- in a browser ----

@needs_browser
def test_every_page_is_fit_to_be_read(site, browser):
    """On a phone and on a desk, light and dark: no scrolling sideways, enough contrast, nothing from elsewhere."""
    found = []
    for path in sorted(site.rglob("*.html")):
        with browser.page() as page:
            page.open(path)
            looking.open_folds(page)
            for size, dark in LOOKS if path.stem in ("index", "lab3", "contracts") else LOOKS[:2]:
                page.look(size, dark)
                found += [(path.stem, size, dark, what)
                          for what in [*looking.too_wide(page), *looking.faint(page)]]
            found += [(path.stem, what) for what in [*looking.foreign(page), *page.troubles]]
    assert not found


@needs_browser
def test_the_schedule_of_the_first_page_by_keyboard(site, browser):
    with browser.page(DESK) as page:
        page.open(site / "index.html")
        looking.drives_a_stepper(page)


@needs_browser
def test_the_schedule_is_a_table_without_a_script(site, browser):
    with browser.page(DESK, script=False) as page:
        page.open(site / "index.html")
        words = page.text(".stepper")
        assert words.count("reads lock = 0") == 2 and "this decides it" in words


@needs_browser
@pytest.mark.parametrize("words, pages", [("swapgs", ("labs/lab2", "concepts-gs")),
                                          ("spin_acquire", ("reference/contracts",))])
def test_the_search_finds(site, browser, words, pages):
    with browser.page(DESK) as page:
        page.open(f"{(site / 'search.html').as_uri()}?q={words}")
        for wanted in pages:
            page.until(f"document.querySelector('#search-results li a[href*=\"{wanted}.html\"]') !== null")
        assert not looking.foreign(page) and not page.troubles


@needs_browser
def test_the_button_for_light_and_dark(site, browser):
    with browser.page(DESK, dark=False) as page:
        page.open(site / "index.html")
        before = page.run("getComputedStyle(document.body).backgroundColor")
        page.run("document.querySelector('.theme-toggle-content .theme-toggle').click()")
        assert page.run("document.body.dataset.theme") == "dark"
        assert page.run("getComputedStyle(document.body).backgroundColor") != before
        assert not looking.faint(page)
        page.run("localStorage.clear()")


@needs_browser
def test_the_keyboard_reaches_a_drawing_and_its_text(site, browser):
    with browser.page(PHONE) as page:
        page.open(site / "labs/lab1.html")
        page.run("document.querySelector('.drawing-scroll').focus()")
        assert page.run("document.activeElement.className") == "drawing-scroll"
        page.press("Tab")
        assert page.run("document.activeElement.tagName") == "SUMMARY"
        page.press("Enter")
        assert page.run("document.activeElement.parentElement.open") is True
