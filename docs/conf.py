"""The site: `make docs`.  Needs Debian's python3-sphinx and furo, no network and no solutions/."""

import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))      # the report's own figures
sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Corral"
author = "the Corral authors"
copyright = "2026, the Corral authors"

extensions = ["bench", "contracts", "debian_furo", "drawing", "fold", "labtoml", "scheduled"]
exclude_patterns = ["_ext"]

# Listings and drawings are not Python unless they say so.
highlight_language = "none"

html_theme = "furo"
html_title = "Corral"
html_static_path = ["_static", "../grader/report/assets"]
html_css_files = ["corral.css", "stepper.css"]
html_js_files = ["stepper.js"]
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#7a4a12", "color-brand-content": "#7a4a12",
        "color-foreground-primary": "#23211d", "color-foreground-secondary": "#5b564c",
        "color-foreground-muted": "#655f54", "color-foreground-border": "#878076",
        "color-background-primary": "#fbfaf7", "color-background-secondary": "#f4f1ea",
        "color-background-hover": "#ebe5d9", "color-background-hover--transparent": "#ebe5d900",
        "color-background-border": "#e3ded3", "color-background-item": "#d5cec0",
        "color-problematic": "#9a211a", "color-code-background": "#f4f1ea",
        "color-highlight-on-target": "#f6ecd9", "color-highlighted-background": "#f3dfb6"},
    "dark_css_variables": {
        "color-brand-primary": "#e0b070", "color-brand-content": "#e0b070",
        "color-foreground-primary": "#e6e3dc", "color-foreground-secondary": "#b9b4a8",
        "color-foreground-muted": "#aaa599", "color-foreground-border": "#7d786d",
        "color-background-primary": "#17181a", "color-background-secondary": "#1c1e20",
        "color-background-hover": "#292b2f", "color-background-hover--transparent": "#292b2f00",
        "color-background-border": "#3a3c41", "color-background-item": "#4a4c50",
        "color-problematic": "#ff8d85", "color-code-background": "#1f2124",
        "color-highlight-on-target": "#38301f", "color-highlighted-background": "#5a4415",
        "color-admonition-background": "transparent"},
}
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False        # it would fetch pages, which a browser does not do from files

HERE = Path(__file__).resolve().parent
# Every page is read anew when what makes drawings and tables has changed.
made_by = hashlib.sha256(b"".join(
    path.read_bytes() for path in sorted([*HERE.glob("_ext/*.py"),
                                          *HERE.parent.glob("grader/report/*.py")]))).hexdigest()


def setup(app):
    app.add_config_value("made_by", "", "env")
