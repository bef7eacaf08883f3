"""The compiler's words become the student's lines."""

from grader import compilelog
from grader.contract import foreign_files
from grader.sources import Source

LOG = """\
gcc -m64 -c -o ../lab1/tss.o labs/lab1-stack-switch/tss.c
labs/lab1-stack-switch/tss.c: In function 'tss_init':
labs/lab1-stack-switch/tss.c:22:5: warning: unused variable 'x' [-Wunused-variable]
   22 |     int x;
      |         ^
labs/lab1-stack-switch/tss.c:23:13: error: expected ';' before '}' token
   23 |     return 9
      |             ^
      |             ;
labs/lab1-stack-switch/entry64.S: Assembler messages:
labs/lab1-stack-switch/entry64.S:40: Error: no such instruction: `mvo %rax,%rbx'
labs/lab1-stack-switch/entry64.S:40: Error: no such instruction: `mvo %rax,%rbx'
ld: ../lab1.o: in function `f': undefined reference to `tss_nit'
make: *** [x] Error 1
"""


def test_errors():
    first, second = compilelog.errors(LOG)
    assert first.place == "labs/lab1-stack-switch/tss.c:23" and "expected ';'" in first.text
    assert len(first.drawing) == 3
    assert second.place == "labs/lab1-stack-switch/entry64.S:40"


def test_warnings_and_linker():
    assert [m.line for m in compilelog.warnings(LOG)] == [22]
    assert compilelog.undefined(LOG) == ["tss_nit"]


def test_helpers_of_the_compiler():
    for name in ("__popcountdi2", "__udivdi3", "__umoddi3", "__ashldi3", "__multi3", "__addtf3",
                 "__floatunsidf", "__atomic_load_8", "__sync_fetch_and_add_8"):
        assert "the compiler's library" in compilelog.cause_of(name), name
    for name in ("tss_nit", "__stack_chk_fail", "memcpy", "__printf", "__my_copy"):
        assert not compilelog.cause_of(name), name


def test_control_characters_are_shown_as_question_marks():
    message, = compilelog.errors("a.c:1:1: error: \x1b[2Jgone\n")
    assert message.text == "?[2Jgone"


def test_foreign_files(tmp_path, toy_lab):
    source = Source(toy_lab, "labs/lab8-toy", "labs/lab8-toy", {}, ())
    dependencies = tmp_path / "toy.d"
    dependencies.write_text("../lab8/toy.o: labs/lab8-toy/toy.c kernel/include/hole.h \\\n"
                            " ../lab8/gen/lab8_offsets.h /etc/passwd kernel/x86/secret.h\n\n"
                            "kernel/include/hole.h:\n")
    words = foreign_files(source, [dependencies])
    assert [w.split()[2].rstrip(",") for w in words] == ["/etc/passwd", "kernel/x86/secret.h"]
