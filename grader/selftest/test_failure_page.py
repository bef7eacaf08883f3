"""build/report/index.html in a browser: a score, a stack, a schedule; with and without a script."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from grader.paths import ROOT
from grader.report import model, page, text
from grader.report.style import NO_PAINT
from grader.selftest import invented, looking
from grader.selftest.browser import DESK, PHONE, Browser, program

needs_browser = pytest.mark.skipif(not program(), reason="no Chromium: ./setup developer")
RECORDED = ROOT / "docs" / "schedules" / "lock.json"


def failing(**changed) -> dict:
    """A report with a failure that has a stack, and one that has the recorded schedule."""
    data = model.assemble(invented.grade())
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    second = copy.deepcopy(data["failures"][0])
    second |= {"tests": ["3.1a"], "case": "3.1a-1", "cases": {"3.1a-1": "the first"}}
    second["failure"] |= {"stack": None, "at": None, "went_wrong": None, "count": "", "read": ""}
    second["failure"] |= {key: recorded[key] for key in
                          ("headline", "expected", "seen", "start", "cause", "schedule")} | changed
    data["failures"].append(second)
    return data


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text(page.convert(failing()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser():
    with Browser() as started:
        yield started


def test_the_page_says_what_the_terminal_says():
    """Each step of the schedule and each row of the stack, in their order."""
    data = failing()
    html = page.convert(data)
    steps = data["failures"][1]["failure"]["schedule"]["steps"]
    assert [html.index(f'data-said="{said}"') for said in
            text.report(data, NO_PAINT, as_text=True) if said.startswith(("Step ", "Switch"))]
    assert html.count("data-said=") == len(steps) and html.count("this decides it") >= 1
    assert html.index("0010") < html.index("00007ffe00000f30")


def test_text_of_a_student_stays_text():
    evil = '</script><img src=x onerror=alert(1)>" onfocus="alert(1)'
    step = {"cpu": 0, "line": evil, "text": evil, "shown": [evil], "decides": True}
    html = page.convert(failing(start=evil, schedule={"cpus": [0, 1], "columns": [evil],
                                                      "steps": [step, step | {"cpu": -1}]}))
    assert "<img" not in html and html.count("</script>") == 1 and '" onfocus' not in html


@needs_browser
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_is_fit_to_be_read(report, browser, size, dark):
    with browser.page(size, dark) as shown:
        shown.open(report)
        looking.open_folds(shown)
        assert not looking.too_wide(shown) and not looking.faint(shown)
        assert not looking.foreign(shown) and not shown.troubles


@needs_browser
def test_the_schedule_by_keyboard(report, browser):
    with browser.page(DESK) as shown:
        shown.open(report)
        assert looking.shown(shown) == 6, "all steps are there at first"
        looking.drives_a_stepper(shown)


@needs_browser
def test_the_command_is_copied(report, browser):
    with browser.page(DESK) as shown:
        shown.open(report)
        shown.run("""navigator.clipboard.writeText = (words) => { window.copied = words; return Promise.resolve() };
                     document.querySelector('code.replay + button.copy, code.replay ~ button.copy').click()""")
        shown.until("window.copied !== undefined")
        assert shown.run("window.copied") == "make replay CASE=3.2b-1"
        shown.until("document.querySelector('button.copy').textContent === 'copied'")


@needs_browser
def test_where_copying_is_forbidden_the_command_is_selected(report, browser):
    with browser.page(DESK) as shown:
        shown.open(report)
        shown.run("""navigator.clipboard.writeText = () => Promise.reject(new Error("no"));
                     document.querySelector('button.copy').click()""")
        shown.until("String(getSelection()) === 'make replay CASE=3.2b-1'")


@needs_browser
def test_without_a_script_it_is_a_static_page(report, browser):
    with browser.page(DESK, script=False) as shown:
        shown.open(report)
        words = shown.text("main")
        assert words.count("reads lock = 0") == 2 and "make replay CASE=3.2b-1" in words
        assert "00007ffe00000f30" in words


@needs_browser
def test_no_other_script_runs(report, browser, tmp_path):
    """The page's policy, if everything else should fail."""
    path = tmp_path / "index.html"
    html = report.read_text(encoding="utf-8")
    path.write_text(html.replace("<main>", "<main><script>window.ran = 1</script>"
                                           "<img src='data:,' onerror='window.ran = 1'>"), encoding="utf-8")
    with browser.page(DESK) as shown:
        shown.open(path)
        assert shown.run("window.ran === undefined")
        assert shown.run("document.querySelectorAll('.stepper-bar').length") == 1


@needs_browser
def test_a_link_of_the_table_leads_to_its_failure(report, browser):
    with browser.page(DESK) as shown:
        shown.open(report)
        shown.run("document.querySelector('a[href=\"#3.1a\"]').click()")
        shown.until("location.hash === '#3.1a'")
        assert shown.run("document.getElementById('3.1a').closest('section') !== null")
