"""`make bench`: the figures repeat, the comparison says what changed, the drawing has words."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from grader import evaluate
from grader.bench import figures, plot, record
from grader.bench.figures import FIGURES, Figure, measure
from grader.cli import main
from grader.errors import GraderError
from grader.labs import find_labs
from grader.options import Options

CHEAP = ("call_gate", "interrupt_kernel", "percpu_honest", "tas_free", "tas_contended", "barrier_2")
SVG = "{http://www.w3.org/2000/svg}"


def invented(**changed):
    """A record with small numbers."""
    one = {figure.key: 100 + at for at, figure in enumerate(FIGURES) if figure.unit != "KiB"}
    return record.assemble({"x86_64": one | changed, "i386": dict(one)}, "gcc 1", "Bochs 1")


def test_two_machines_give_equal_figures():
    lab = find_labs()[max(find_labs())]
    options = replace(Options(source="solutions"), arches=("x86_64",), emus=("bochs",))
    build = evaluate.prepare(lab, [], options).builds["x86_64"]
    first, second = measure(build, "x86_64", CHEAP), measure(build, "x86_64", CHEAP)
    assert first == second
    assert set(first) == set(CHEAP)
    assert all(0 < value < 5000 for value in first.values())
    assert first["tas_contended"] > first["tas_free"]


def test_a_path_that_does_not_repeat_is_no_figure():
    class Bed:
        number = 0

        def take(self):
            self.number += 1
            return self.number

    with pytest.raises(GraderError, match="does not repeat"):
        figures._twice(Figure("x", "x", take=Bed.take), Bed())


def test_the_table_has_old_new_and_ratio():
    lines = record.compare(invented(call_gate=150), invented(call_gate=100))
    row = next(line for line in lines if line.startswith("system call by INT"))
    assert row.split()[-6:-3] == ["100", "150", "1.50"]
    assert record.changed(invented(call_gate=150), invented(call_gate=100)) == 1
    assert record.changed(invented(), None) == 2 * sum(f.unit != "KiB" for f in FIGURES)


def test_another_compiler_is_said():
    new = invented() | {"compiler": "gcc 2"}
    assert any("gcc 1" in line and "gcc 2" in line for line in record.compare(new, invented()))


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "other"}', '{"schema": "corral/bench/v1"}'])
def test_a_damaged_file_is_a_sentence(tmp_path, text):
    path = tmp_path / "bench.json"
    path.write_text(text)
    with pytest.raises(GraderError, match="SAVE=1"):
        record.load(path)
    assert record.load(tmp_path / "none.json") is None


def test_the_committed_figures_are_of_this_list():
    committed = record.load()
    assert list(committed["titles"]) == [figure.key for figure in FIGURES]
    for arch, width in (("x86_64", 64), ("i386", 32)):
        wanted = {figure.key for figure in FIGURES if width in figure.widths}
        assert set(committed["widths"][arch]) == wanted


def test_the_drawing_shows_and_says_every_path():
    data = invented()
    root = ElementTree.fromstring(plot.svg(data))
    bars = [r for r in root.iter(f"{SVG}rect") if r.get("height") == "12" and r.get("y") != "12"]
    assert len(bars) == 2 * len(plot.paths_of(data))
    described = root.find(f"{SVG}desc").text
    assert all(data["titles"][key] in described for key in plot.paths_of(data))


@pytest.mark.parametrize("words", [["EMU=qemu"], ["CC=clang"], ["SAVE=2"], ["SAVE=1", "ARCH=i386"]])
def test_what_it_cannot_do_is_a_sentence(words, capsys):
    assert main(["bench", *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("corral: ") and said.count("\n") == 1
