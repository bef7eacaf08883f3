"""junit.xml: a failure is the student's, an error is the grader's."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from grader.paths import report_dir, write_text
from grader.report import failures
from grader.verdict import ERROR, FAIL, INCONCLUSIVE

# What XML 1.0 cannot hold.
ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: object) -> str:
    return ILLEGAL.sub("?", str(text))


def convert(data: dict[str, Any]) -> str:
    """The report as JUnit XML: a suite a cell, a case a test."""
    lab = data["lab"]
    root = ElementTree.Element("testsuites", name=f"lab{lab['number']}-{lab['name']}")
    for cell in data["cells"]:
        _suite(root, data, cell["name"])
    if data["errors"]:
        suite = ElementTree.SubElement(root, "testsuite", name="grader", tests="1", failures="0",
                                       errors="1", skipped="0")
        case = ElementTree.SubElement(suite, "testcase", name="grader", classname="grader")
        error = ElementTree.SubElement(case, "error", message=legal(data["errors"][0]))
        error.text = legal("\n".join(data["errors"]))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(
        root, encoding="unicode") + "\n"


def _suite(root: ElementTree.Element, data: dict[str, Any], cell: str) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=cell)
    seconds = data["times"].get("tests", {}).get(cell, {})
    tally = {FAIL: 0, ERROR: 0, INCONCLUSIVE: 0}
    total = 0
    for exercise in data["exercises"]:
        for test in exercise["tests"]:
            result = test["results"].get(cell)
            if result is None:
                continue
            total += 1
            if result["verdict"] in tally:
                tally[result["verdict"]] += 1
            _case(suite, data, cell, exercise, test, result, seconds.get(test["id"], 0))
    for key, number in (("tests", total), ("failures", tally[FAIL]), ("errors", tally[ERROR]),
                        ("skipped", tally[INCONCLUSIVE])):
        suite.set(key, str(number))


def _case(suite: ElementTree.Element, data: dict[str, Any], cell: str, exercise: dict, test: dict,
          result: dict, seconds: float) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", name=legal(f"{test['id']} {test['title']}"),
        classname=legal(f"lab{data['lab']['number']}.{exercise['id']}.{cell.replace('/', '.')}"),
        time=f"{seconds:.3f}")
    properties = ElementTree.SubElement(case, "properties")
    ElementTree.SubElement(properties, "property", name="points", value=str(test["max"]))
    if result["verdict"] == FAIL:
        group = next((g for g in data["failures"] if _holds(g, test["id"], cell)), None)
        message = result["text"] or result["reason"]
        element = ElementTree.SubElement(case, "failure", type=legal(result["reason"]),
                                         message=legal(message))
        if group:
            graded = [c["name"] for c in data["cells"]]
            element.text = legal("\n".join(failures.sentences(group, graded)))
    elif result["verdict"] == ERROR:
        ElementTree.SubElement(case, "error", message="the grader failed, see the suite `grader`")
    elif result["verdict"] == INCONCLUSIVE:
        ElementTree.SubElement(case, "skipped", message=legal(result["text"] or "inconclusive"))


def _holds(group: dict[str, Any], test: str, cell: str) -> bool:
    if test == group["tests"][0]:
        return cell in group["cells"]
    return cell in group["also"].get(test, [])


def save(data: dict[str, Any]) -> None:
    """Writes build/report/junit.xml."""
    write_text(report_dir() / "junit.xml", convert(data))
