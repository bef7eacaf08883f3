"""The site: `make docs`.  Needs Debian's python3-sphinx and furo, no network and no solutions/."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Corral"
author = "the Corral authors"
copyright = "2026, the Corral authors"

extensions = ["fold", "labtoml"]
exclude_patterns = ["_ext"]

# Listings and drawings are not Python unless they say so.
highlight_language = "none"

html_theme = "furo"
html_title = "Corral"
html_static_path = ["_static"]
html_css_files = ["corral.css"]
html_copy_source = False
html_show_sphinx = False
