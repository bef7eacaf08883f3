"""What `make doctor` says about versions."""

from __future__ import annotations

import pytest

from grader.doctor import TOOLS
from grader.versions import NOTES, notes_for, was_tested


@pytest.mark.parametrize("version, tested", [("7.2.22", True), ("10.0.13", True), ("1.0", False),
                                             ("7.20", False), ("7", False), ("?", False)])
def test_a_longer_version_is_the_same(version, tested):
    assert was_tested(version, ("7.2", "10.0")) is tested


def test_debian_12_and_13_have_different_notes():
    old, new = (notes_for("qemu-system-x86_64", version) for version in ("7.2.22", "10.0.13"))
    assert old and new and old != new
    assert notes_for("bochs-bin", "2.7") == []
    assert notes_for("bochs-bin", "3.0") != []


def test_a_version_that_is_not_known_has_no_note():
    assert notes_for("bochs-bin", "missing") == notes_for("bochs-bin", "?") == []


def test_notes_are_about_tools_that_doctor_lists():
    assert {note.program for note in NOTES} <= {tool.program for tool in TOOLS}
