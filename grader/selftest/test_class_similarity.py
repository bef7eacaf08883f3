"""Similar code is found through other names and spaces, and what was given counts for nothing."""

from __future__ import annotations

import re

import pytest

from grader.course.classroom.similarity import Given, fingerprints, pairs
from grader.course.classroom.tokens import tokens_of
from grader.course.mutants import load_alternates
from grader.labs import find_labs
from grader.paths import ROOT

LAB = ROOT / "solutions/lab1-stack-switch"
pytestmark = pytest.mark.skipif(not LAB.is_dir(), reason="needs the reference of lab 1")


def files(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.[chS]")}


@pytest.fixture(scope="module")
def given():
    folders = [ROOT / "kernel", ROOT / "labs/lab1-stack-switch"]
    return Given([(path.name, path.read_text()) for folder in folders
                  for path in folder.rglob("*.[chS]")])


def prints(given, **submissions):
    return [fingerprints(name, contents, given) for name, contents in submissions.items()]


def disguised(contents):
    """Other names, other spaces, no comments."""
    text = re.sub(rb"/\*.*?\*/", b"", contents, flags=re.DOTALL)
    for word in (b"mine", b"lab1_thread", b"own", b"stack"):
        text = re.sub(rb"\b%s\b" % word, b"zz_" + word, text)
    return text.replace(b"    ", b"\t").replace(b";\n", b" ;\n\n")


def test_other_names_and_spaces_change_little(given):
    original = files(LAB)
    copy = {name: disguised(data) for name, data in original.items()}
    assert copy["tss.c"] != original["tss.c"]
    (pair,) = pairs(prints(given, ann=original, bob=copy))
    assert pair.share > 0.8 and pair.places and all(":" in place for place in pair.places[0])


def test_skeletons_share_nothing_that_counts(given):
    empty = files(ROOT / "labs/lab1-stack-switch")
    assert not fingerprints("ann", empty, given).marks
    assert pairs(prints(given, ann=empty, bob=empty)) == []


def test_another_design_shares_less_than_a_copy(given):
    """Evidence must tell them apart, or it is none."""
    reference = files(LAB)
    copied = {name: disguised(data) for name, data in reference.items()}
    other = next(a for a in load_alternates(find_labs()[1]) if a.name == "copy")
    changed = {name: data for name, data in files(other.folder).items()}
    copy_share = pairs(prints(given, a=reference, b=copied))[0].share
    other_share = pairs(prints(given, a=reference, b=changed))[0].share
    assert other_share < copy_share - 0.15, (other_share, copy_share)


def test_two_codes_of_two_labs_share_next_to_nothing(given):
    (one, other) = prints(given, ann=files(LAB), bob=files(ROOT / "solutions/lab5-ipi-barrier"))
    assert all(pair.share < 0.1 for pair in pairs([one, other]))


def test_what_few_have_is_counted_apart(given):
    """Of twelve who all have the same, two share a function of their own."""
    own = (b"int odd(int a) { int b = a * 3; while (b > 7) { b -= a & 5; if (b == 4) { b++; } }"
           b" return b; }\n")
    class_prints = prints(given, **{
        f"s{n:02}": files(LAB) | ({"odd.c": own * 2} if n < 2 else {}) for n in range(12)})
    found = pairs(class_prints)
    assert len(found) == 66 and all(pair.share == 1 for pair in found)
    assert (found[0].one, found[0].other) == ("s00", "s01") and found[0].rare > 0
    assert not any(pair.rare for pair in found[1:])


def test_comments_do_not_move_lines():
    found = tokens_of("a.c", "/* one\n two */ int\nx; // y\n z", frozenset({"z"}))
    assert [(token.text, token.line) for token in found] == [
        ("int", 2), ("v", 3), (";", 3), ("z", 4)]
    assembly = tokens_of("a.S", "mine: mov %rax, 8(%rsp)\n jmp mine", frozenset())
    assert [token.text for token in assembly] == [
        "v", ":", "mov", "%rax", ",", "8", "(", "%rsp", ")", "jmp", "v"]
