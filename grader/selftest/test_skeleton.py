"""One source: the skeleton comes out of the reference, and never over a student's work."""

import pytest

from grader.course import skeleton
from grader.course.markers import exercises_in, holes_in, skeleton_of
from grader.errors import GraderError

C = """\
int f(void)
{
    /* BEGIN 1.2 */
    return 7;
    /* INSTEAD 1.2 */
    //| /* write */
    //|
    //|     HOLE("1.2", "seven");
    /* END 1.2 */
}
"""


def test_in_c_the_indentation_stays():
    assert skeleton_of(C, "a.c") == """\
int f(void)
{
    /* write */

        HOLE("1.2", "seven");
}
"""


def test_in_assembly_it_goes():
    text = "f:\n    /* BEGIN 1.2 */\n    ret\n    /* INSTEAD 1.2 */\n    //| 1:\n" \
           "    //|     HOLE(\"1.2\", \"x\")\n    /* END 1.2 */\n"
    assert skeleton_of(text, "a.S") == "f:\n1:\n    HOLE(\"1.2\", \"x\")\n"


def test_written_exercises_keep_the_reference():
    assert "return 7;" in skeleton_of(C, "a.c", frozenset(["1.2"]))
    assert "HOLE" not in skeleton_of(C, "a.c", frozenset(["1.2"]))


def test_names():
    assert exercises_in(C) == ["1.2"] and holes_in(skeleton_of(C, "a.c")) == ["1.2"]


@pytest.mark.parametrize("old, new, said", [
    ("    /* END 1.2 */\n}\n", "", "a.c:5: INSTEAD 1.2 is not closed"),
    ("INSTEAD 1.2", "INSTEAD 1.3", "a.c:5: INSTEAD 1.3 where INSTEAD 1.2"),
    ("/* BEGIN 1.2 */", "", "a.c:5: INSTEAD 1.2 where BEGIN"),
    ("    return 7;", "    return 7; /* END 1.2 */", "a.c:4: a marker stands alone"),
    ("    //| /* write */", "    oops", "a.c:6: between INSTEAD and END"),
    ("int f", "//| int f", "a.c:1: //| outside"),
])
def test_wrong_markers(old, new, said):
    with pytest.raises(GraderError) as caught:
        skeleton_of(C.replace(old, new), "a.c")
    assert said in str(caught.value)


def test_write_twice_and_over_work(toy, toy_lab):
    assert skeleton.write(toy_lab, force=False) == ["toy.c"]
    assert skeleton.write(toy_lab, force=False) == []
    assert skeleton.differences(toy_lab) == []
    mine = toy / "labs/lab8-toy/toy.c"
    mine.write_text(mine.read_text() + "/* mine */\n")
    (toy / "labs/lab8-toy/notes.txt").write_text("mine too")
    assert skeleton.differences(toy_lab)
    with pytest.raises(GraderError, match="FORCE=1"):
        skeleton.write(toy_lab, force=False)
    assert "mine" in mine.read_text()
    assert skeleton.write(toy_lab, force=True) == ["toy.c"]
    assert (toy / "labs/lab8-toy/notes.txt").exists()


def test_an_old_version_is_replaced(toy, toy_lab):
    skeleton.write(toy_lab, force=False)
    mine = toy / "labs/lab8-toy/toy.c"
    mine.write_bytes(mine.read_bytes().replace(b"\n", b"\r\n"))
    reference = toy / "solutions/lab8-toy/toy.c"
    reference.write_text(reference.read_text().replace("say seven", "say 7"))
    assert skeleton.write(toy_lab, force=False) == ["toy.c"]
    assert "say 7" in mine.read_text()


def test_every_marked_exercise_has_a_hole(toy, toy_lab):
    reference = toy / "solutions/lab8-toy/toy.c"
    text = reference.read_text()
    reference.write_text(text.replace('//| HOLE("8.2", "say two");', "//| return 0;"))
    with pytest.raises(GraderError, match="exercise 8.2 has no HOLE"):
        skeleton.generate(toy_lab)
