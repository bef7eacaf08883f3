/*
 * Buttons and keys for each schedule of the page.  All text comes from the table, as text.
 * A figure says with data-start where it begins: "first" or "all".
 */
(() => {
    "use strict";

    const BUTTONS = [
        ["first", "Start", "Back to the start (Home)"],
        ["back", "Back", "One step back (left arrow)"],
        ["next", "Step", "One step on (right arrow)"],
        ["last", "All", "All steps (End)"],
    ];
    const KEYS = { Home: "first", ArrowLeft: "back", ArrowRight: "next", End: "last" };

    function element(name, className, text) {
        const made = document.createElement(name);
        made.className = className;
        made.textContent = text;
        return made;
    }

    function stepper(figure) {
        const rows = [...figure.querySelectorAll("tbody tr")];
        const bar = element("div", "stepper-bar", "");
        const count = element("span", "stepper-count", "");
        const said = element("p", "stepper-said", "");
        const buttons = {};
        let at = figure.dataset.start === "first" ? 0 : rows.length;

        function show() {
            rows.forEach((row, index) => {
                row.classList.toggle("later", index >= at);
                row.classList.toggle("now", index === at - 1);
            });
            count.textContent = `${at} of ${rows.length}`;
            said.textContent = at ? rows[at - 1].dataset.said : figure.dataset.before;
            for (const name of ["first", "back"])
                buttons[name].setAttribute("aria-disabled", String(at === 0));
            for (const name of ["next", "last"])
                buttons[name].setAttribute("aria-disabled", String(at === rows.length));
        }

        function go(name) {
            const to = { first: 0, back: at - 1, next: at + 1, last: rows.length }[name];
            at = Math.max(0, Math.min(rows.length, to));
            show();
        }

        bar.setAttribute("role", "group");
        bar.setAttribute("aria-label", "Steps of the schedule");
        for (const [name, word, title] of BUTTONS) {
            const button = element("button", name === "next" ? "go" : "", word);
            button.type = "button";
            button.title = title;
            button.addEventListener("click", () => go(name));
            buttons[name] = bar.appendChild(button);
        }
        bar.append(count);
        said.setAttribute("role", "status");
        figure.prepend(bar, said);
        figure.addEventListener("keydown", (event) => {
            if (event.altKey || event.ctrlKey || event.metaKey || !(event.key in KEYS))
                return;
            event.preventDefault();
            go(KEYS[event.key]);
        });
        show();
    }

    function copier(code) {
        const button = element("button", "copy", "copy");
        button.type = "button";
        button.setAttribute("aria-label", `copy ${code.textContent}`);
        button.addEventListener("click", async () => {
            try {
                await navigator.clipboard.writeText(code.textContent);
                button.textContent = "copied";
            } catch {
                getSelection().selectAllChildren(code);     /* not allowed: one key is left to press */
                button.textContent = "selected";
            }
        });
        code.after(" ", button);
    }

    function start() {
        document.querySelectorAll(".stepper").forEach(stepper);
        document.querySelectorAll("code.replay").forEach(copier);
    }

    if (document.readyState === "loading")
        document.addEventListener("DOMContentLoaded", start);
    else
        start();
})();
