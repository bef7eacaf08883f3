"""Entry point: finds a Python that has what the grader needs, then hands over to grader.cli.

Kept free of new syntax, so that an old interpreter reaches the sentence below.
"""

import os
import sys

NEEDED = ("pytest", "elftools", "capstone")
LIGHT = ("publish",)    # commands that need none of these
SYSTEM = "/usr/bin/python3"


def missing():
    """Names of the modules that this interpreter lacks; ["python 3.11"] if it is too old."""
    if sys.version_info < (3, 11):
        return ["python 3.11"]
    from importlib.util import find_spec

    if sys.argv[1:2] and sys.argv[1] in LIGHT:
        return []
    return [name for name in NEEDED if find_spec(name) is None]


def main():
    """Runs the command line; exits 2 with a sentence if no interpreter will do."""
    lacking = missing()
    if lacking:
        again = os.environ.pop("CORRAL_REEXEC", "")
        if not again and os.access(SYSTEM, os.X_OK) and sys.executable != SYSTEM:
            os.environ["CORRAL_REEXEC"] = "1"
            os.execv(SYSTEM, [SYSTEM, "-m", "grader"] + sys.argv[1:])
        sys.stderr.write("Python lacks %s: run ./setup\n" % ", ".join(lacking))
        return 2
    os.environ.pop("CORRAL_REEXEC", None)
    from grader.cli import main as cli_main

    return cli_main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
