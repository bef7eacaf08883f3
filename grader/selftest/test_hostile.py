"""Kernels that do the worst: each ends in a verdict and a sentence, within its budget."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from grader.paths import ROOT

LAB = "lab1-stack-switch"
PLACE = "    memset(tss, 0, sizeof(*tss));\n"      # in tss_init()
INCLUDES = '#include "io.h"\n#include "panic.h"\n#include "print.h"\n#include "serial.h"\n'

# What is done in tss_init() instead of its work, and the reason that the verdict gives.
DEEDS = {
    "loops": ("for (;;) cli();", "hang"),
    "halts": ("cli(); for (;;) hlt();", "hang"),
    "triple-faults": ("static const struct table_pointer none = {0, 0}; lidt(&none);"
                      " *(char *)16 = 1;", "triple fault"),
    "panics": ('panic("a student\'s own %s", "panic");', "panic"),
    "floods": ("for (;;) serial_put('x');", "hang"),
    "powers-off": ("outw(0x604, 0x2000); outw(0xb004, 0x2000); for (;;);", "hang"),
    "resets": ("outb(0x64, 0xfe); for (;;) cpu_pause();", None),
    "boasts": ('kprintf("1.1a pass\\nSCORE 100 / 100\\nAll of lab 1 passes.\\n"); return;',
               "wrong result"),
}


def grade(source, folder, **settings):
    """Grades a tree, its report in a folder of its own; gives the exit code, output, report."""
    environment = os.environ | {"FROM": str(source), "CORRAL_REPORT": str(folder), "LAB": "1",
                                "NO_COLOR": "1"} | settings
    done = subprocess.run([sys.executable, "-m", "grader", "grade"], cwd=ROOT, env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=600)
    report = folder / "grade.json"
    return done.returncode, done.stdout, json.loads(report.read_text()) if report.exists() else {}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_hostile_kernel_gets_a_verdict(tmp_path, deed):
    code, reason = DEEDS[deed]
    shutil.copytree(ROOT / "solutions" / LAB, tmp_path / LAB)
    file = tmp_path / LAB / "tss.c"
    text = file.read_text()
    assert PLACE in text
    file.write_text(INCLUDES + text.replace(PLACE, f"    {code}\n{PLACE}"))
    arch = ("x86_64", "i386")[list(DEEDS).index(deed) % 2]
    status, output, report = grade(tmp_path, tmp_path / "report", TEST="1.1a", ARCH=arch)
    assert status == 1, output
    assert "Traceback" not in output
    results = report["exercises"][0]["tests"][0]["results"]
    assert len(results) == 2
    for cell, result in results.items():
        assert result["verdict"] == "fail", (cell, result, output)
        assert reason in (None, result["reason"]), (cell, result)
    assert report["score"] == 0


def test_the_skeleton_scores_nothing_and_says_where(tmp_path):
    status, output, report = grade("labs", tmp_path / "report", TEST="")
    assert status == 1
    assert report["score"] == 0 and report["got"] == report["expected"]
    for exercise in ("1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7"):
        assert exercise in output
    assert "not written yet: labs/lab1-stack-switch/tss.c:" in output


def test_one_exercise_alone_gets_its_points(tmp_path):
    shutil.copytree(ROOT / "labs" / LAB, tmp_path / LAB)
    shutil.copy(ROOT / "solutions" / LAB / "tss.c", tmp_path / LAB / "tss.c")
    _, output, report = grade(tmp_path, tmp_path / "report")
    assert report["score"] == 10, output


def test_a_checkout_path_with_a_space_and_crlf_line_ends(tmp_path):
    tree = tmp_path / "my corral"
    for folder in ("grader", "kernel", "solutions"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (tree / "solutions" / LAB).glob("*.[cSh]"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    environment = os.environ | {"FROM": "solutions", "LAB": "1", "TEST": "1.1a"}
    environment.pop("CORRAL_BUILD", None)
    environment.pop("CORRAL_REPORT", None)
    done = subprocess.run([sys.executable, "-m", "grader", "grade"], cwd=tree, env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=600)
    assert done.returncode == 0, done.stdout
