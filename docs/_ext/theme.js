/*
 * What the theme's own script would do: the button for light and dark, and the mark in the table of contents.
 * See debian_furo.py.
 */
(() => {
    "use strict";

    function cycle() {
        const dark = matchMedia("(prefers-color-scheme: dark)").matches;
        const order = dark ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
        const next = order[(order.indexOf(document.body.dataset.theme) + 1) % order.length];
        document.body.dataset.theme = next;
        localStorage.setItem("theme", next);
    }

    function spy() {
        const entries = [...document.querySelectorAll(".toc-tree a[href^='#']")]
            .map((link) => [link.parentElement, document.getElementById(link.hash.slice(1))])
            .filter(([, section]) => section);
        const mark = () => {
            const seen = entries.filter(([, section]) => section.getBoundingClientRect().top < 120);
            const now = seen.length ? seen[seen.length - 1][0] : null;
            entries.forEach(([item]) => item.classList.toggle("scroll-current", item === now));
        };
        addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
        mark();
    }

    document.documentElement.classList.remove("no-js");
    document.querySelectorAll(".theme-toggle").forEach((button) => button.addEventListener("click", cycle));
    spy();
})();
