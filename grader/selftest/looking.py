"""What a page must be for everybody: asked of the page itself, in a browser."""

from __future__ import annotations

from grader.selftest.browser import Page

RATIO = 4.5

# The contrast of each text with what lies behind it, as it is painted: alpha and opacity count.
CONTRAST = """
(() => {
    const parse = (text) => {
        const n = text.match(/[\\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
        return text.startsWith("color(srgb") ? [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1]
                                             : [n[0], n[1], n[2], n[3] ?? 1];
    };
    const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
    const light = ([r, g, b]) => {
        const part = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
    };
    const ratio = (a, b) => {
        const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
        return (x + 0.05) / (y + 0.05);
    };
    const fill = (element) => {
        if (element instanceof SVGElement && element.tagName !== "svg") {
            return [0, 0, 0, 0];
        }
        return parse(getComputedStyle(element).backgroundColor);
    };
    const once = (make) => {
        const known = new Map();
        return (element) => {
            if (!known.has(element)) known.set(element, make(element));
            return known.get(element);
        };
    };
    const behind = once((element) =>
        element ? over(fill(element), behind(element.parentElement)) : parse(CANVAS));
    /* In a drawing: the last shape before the text that it lies on. */
    const drawn = (text) => {
        const at = text.getBoundingClientRect();
        let found = behind(text.ownerSVGElement);
        for (const shape of text.ownerSVGElement.querySelectorAll("rect")) {
            const box = shape.getBoundingClientRect(), style = getComputedStyle(shape);
            const inside = at.left + 2 >= box.left && at.left + 2 <= box.right
                && (at.top + at.bottom) / 2 >= box.top && (at.top + at.bottom) / 2 <= box.bottom;
            if (inside && style.fill !== "none"
                && shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)
                found = over(parse(style.fill), found);
        }
        return found;
    };
    const opacity = once((element) =>
        element ? Number(getComputedStyle(element).opacity) * opacity(element.parentElement) : 1);
    const bad = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement, words = walker.currentNode.data.trim();
        if (!words || element.closest("script, style, title, desc, noscript, symbol, .visually-hidden")) continue;
        if (!element.checkVisibility({ checkVisibilityCSS: true }) || opacity(element) === 0) continue;
        const style = getComputedStyle(element), svg = element.closest("svg.drawing, svg.plot");
        const back = svg ? drawn(element) : behind(element);
        const ink = parse(svg ? style.fill : style.color);
        ink[3] *= opacity(element);
        const found = ratio(over(ink, back), back);
        if (found < RATIO) bad.push(`${found.toFixed(2)} ${element.tagName}.${element.className} ${words.slice(0, 40)}`);
    }
    for (const input of document.querySelectorAll("input[placeholder]")) {
        if (!input.checkVisibility({ checkVisibilityCSS: true })) continue;
        const back = behind(input), style = getComputedStyle(input, "::placeholder");
        const ink = parse(style.color);
        ink[3] *= Number(style.opacity);
        const found = ratio(over(ink, back), back);
        if (found < RATIO) bad.push(`${found.toFixed(2)} placeholder ${input.placeholder}`);
    }
    return bad;
})()
"""

TOO_WIDE = """
(() => {
    const root = document.documentElement, width = root.clientWidth;
    if (root.scrollWidth <= width && document.body.scrollWidth <= width) return [];
    return [...document.body.querySelectorAll("*")]
        .filter((element) => element.getBoundingClientRect().right > width + 1)
        .slice(0, 5).map((element) => `${element.tagName}.${element.className}`).concat(root.scrollWidth);
})()
"""


def faint(page: Page) -> list[str]:
    """Texts whose contrast is below 4.5 to 1."""
    dark = page.run("matchMedia('(prefers-color-scheme: dark)').matches")
    canvas = "rgb(18, 18, 18)" if dark else "rgb(255, 255, 255)"
    return page.run(CONTRAST.replace("CANVAS", f'"{canvas}"').replace("RATIO", str(RATIO)))


def too_wide(page: Page) -> list:
    """What makes the page scroll sideways."""
    return page.run(TOO_WIDE)


def foreign(page: Page) -> list[str]:
    """Addresses asked for that are neither files nor this machine."""
    ours = ("file:", "data:", "blob:", "about:", "http://127.0.0.1", "http://localhost")
    return [url for url in page.requests if not url.startswith(ours)]


def open_folds(page: Page) -> None:
    """Opens everything that is folded."""
    page.run("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")


def drives_a_stepper(page: Page) -> None:
    """From the top of the page by Tab to the buttons, then through all steps and back by keys."""
    total = page.run("document.querySelectorAll('.stepper tbody tr').length")
    for _ in range(200):
        page.press("Tab")
        if page.run("document.activeElement.closest('.stepper-bar') !== null"):
            break
    assert page.run("document.activeElement.textContent") == "Start"
    page.press("Home")
    assert shown(page) == 0
    for step in range(1, total + 1):
        page.press("ArrowRight")
        assert shown(page) == step
        said = page.run("document.querySelector('.stepper-said').textContent")
        assert said == page.run(f"document.querySelectorAll('.stepper tbody tr')[{step - 1}].dataset.said")
    page.press("ArrowRight")
    assert shown(page) == total, "it goes beyond the end"
    page.press("ArrowLeft")
    assert shown(page) == total - 1
    page.press("Home")
    assert shown(page) == 0
    page.press("Tab")
    page.press("Tab")
    assert page.run("document.activeElement.textContent") == "Step"
    page.press("Enter")
    page.press(" ")
    assert shown(page) == 2
    page.press("End")
    assert shown(page) == total


def shown(page: Page) -> int:
    """How many rows of the first schedule can be seen."""
    return page.run("[...document.querySelector('.stepper').querySelectorAll('tbody tr')].filter((row) => "
                    "getComputedStyle(row.querySelector('td.act, td[colspan]')).visibility === 'visible' "
                    "&& !row.classList.contains('later')).length")
