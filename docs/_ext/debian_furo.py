"""Makes the theme of Debian 12 work where it is read from files.

Its style sheet imports one from the root of a web server, its script imports another one without being a
module, and dark colours are missing where the system asks for them.  The first two are put right here after
the build, in the output alone; the colours are in conf.py.  A theme without these faults is left as it is.
"""

from __future__ import annotations

import re
from pathlib import Path

IMPORT = re.compile(r'^@import url\(/[^)]*\);\n', re.MULTILINE)


def mend(app, exception) -> None:
    """Called when everything is written."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    sheet, script = static / "styles" / "furo.css", static / "scripts" / "furo.js"
    if sheet.is_file():
        text = sheet.read_text(encoding="utf-8")
        if IMPORT.search(text):
            sheet.write_text(IMPORT.sub("", text), encoding="utf-8")
    if script.is_file() and re.match(r"\s*import ", script.read_text(encoding="utf-8")):
        own = Path(app.srcdir) / "_ext" / "theme.js"
        script.write_text(own.read_text(encoding="utf-8"), encoding="utf-8")
        (static / "scripts" / "gumshoe-patched.js").unlink(missing_ok=True)


def setup(app) -> dict:
    app.connect("build-finished", mend)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
