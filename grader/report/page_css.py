"""The look of index.html: light and dark by what the reader's system asks for."""

CSS = """
:root { --back: #fbfaf7; --card: #fff; --ink: #23211d; --soft: #655f54; --rule: #e3ded3;
        --good: #1d6f42; --bad: #b3261e; --accent: #7a4a12; --now: #f6ecd9;
        --cpu0: #1f5f8b; --cpu1: #7b3fa0; --cpu2: #1d6f42; --cpu3: #a03f5f;
        --mono: ui-monospace, "DejaVu Sans Mono", monospace }
@media (prefers-color-scheme: dark) {
  :root { --back: #17181a; --card: #1f2124; --ink: #e6e3dc; --soft: #aaa599; --rule: #3a3c41;
          --good: #79c79b; --bad: #ff8d85; --accent: #e0b070; --now: #38301f;
          --cpu0: #7fb8e0; --cpu1: #c9a3ea; --cpu2: #79c79b; --cpu3: #f0a0b8 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink);
       font: 16px/1.5 system-ui, "Segoe UI", sans-serif; overflow-wrap: break-word }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1rem 4rem }
h1 { font-size: 1.7rem; margin: 0 } h2 { font-size: 1.05rem; margin: 0 0 .8rem; line-height: 1.4 }
.score { font-size: 1.3rem; margin: .2rem 0 } .score b { font-size: 2.4rem; color: var(--accent) }
.score span, .about, .line, small { color: var(--soft) } .about { font-size: .9rem }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100% }
.scroll:focus-visible, a:focus-visible, summary:focus-visible, button:focus-visible {
  outline: 2px solid var(--accent); outline-offset: 2px }
th, td { text-align: left; padding: .28rem .6rem; border-bottom: 1px solid var(--rule) }
thead th { font-weight: 600; color: var(--soft) } .points { text-align: right; white-space: nowrap }
tr.exercise th, tr.exercise td { font-weight: 600; padding-top: .9rem }
tfoot th, tfoot td { font-weight: 700; border-bottom: 0; padding-top: .6rem }
.pass { color: var(--good) } .fail { color: var(--bad); font-weight: 700 }
.none { color: var(--soft) }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem;
        padding: 1rem 1.2rem; margin: 1.4rem 0 }
.card.bad { border-left: .3rem solid var(--bad) }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .35rem 1.2rem; margin: 0 }
dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
code, pre, .line, .stack { font-family: var(--mono); font-size: .9em }
pre { overflow-x: auto; background: var(--back); padding: .7rem; border-radius: .3rem }
.stack { width: auto; margin: 1.2rem 0 .4rem; border-spacing: 0 }
.stack caption { text-align: left; color: var(--soft); padding-bottom: .4rem; font-family: inherit }
.stack td, .stack th { border: 0; padding: .2rem .8rem; white-space: nowrap; font-weight: 400 }
.stack td:first-child { color: var(--soft); text-align: right }
.stack th { background: var(--back); border: 1px solid var(--rule); border-right: 0; min-width: 5.5rem }
.stack .word { background: var(--back); border: 1px solid var(--rule); border-left: 0 }
.stack .note { color: var(--soft) }
.stack .marked th, .stack .marked .word { background: var(--now); border-color: var(--accent) }
.stack .marked .note { color: var(--ink); box-shadow: inset 1px 0 0 var(--accent) }
button.copy { font: inherit; font-size: .85rem; color: var(--accent); background: none;
              border: 1px solid var(--rule); border-radius: .3rem; padding: .05rem .5rem;
              cursor: pointer }
button.copy:hover { border-color: var(--accent) }
.plot { width: 100%; max-width: 45rem } .plot text { fill: var(--ink); font-size: 12px }
.plot polyline { fill: none; stroke: var(--accent); stroke-width: 2 }
.plot .axis { fill: none; stroke: var(--soft) } .plot .grid { stroke: var(--rule) }
figure { margin: 0 } figcaption { color: var(--soft); font-size: .9rem }
a { color: var(--accent) } :target { scroll-margin-top: 1rem }
summary { cursor: pointer } details { margin-top: .8rem }
details li { margin: .3rem 0 }
@media (max-width: 36rem) {
  dl { grid-template-columns: minmax(0, 1fr); gap: 0 } dd { margin-bottom: .6rem }
  .card { padding: .9rem } main { padding-top: 1.2rem }
  .score-table td, .score-table th { padding: .28rem .35rem; font-size: .9rem } }
@media print { .copy { display: none } .card { break-inside: avoid } }
"""
