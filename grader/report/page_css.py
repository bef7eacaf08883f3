"""The look of index.html: light and dark by what the reader's system asks for."""

CSS = """
:root { --back: #fbfaf7; --card: #fff; --text: #23211d; --soft: #6d675c; --rule: #e3ded3;
        --good: #1d6f42; --bad: #b3261e; --accent: #7a4a12; }
@media (prefers-color-scheme: dark) {
  :root { --back: #17181a; --card: #1f2124; --text: #e6e3dc; --soft: #9b968b; --rule: #34363a;
          --good: #79c79b; --bad: #ff8d85; --accent: #e0b070; } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--text);
       font: 16px/1.5 system-ui, "Segoe UI", sans-serif }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1rem 4rem }
h1 { font-size: 1.7rem; margin: 0 } h2 { font-size: 1.05rem; margin: 0 0 .6rem }
.score { font-size: 1.3rem; margin: .2rem 0 } .score b { font-size: 2.4rem; color: var(--accent) }
.score span, .about, .line, small { color: var(--soft) } .about { font-size: .9rem }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .28rem .6rem; border-bottom: 1px solid var(--rule) }
thead th { font-weight: 600; color: var(--soft) } .points { text-align: right; white-space: nowrap }
tr.exercise th, tr.exercise td { font-weight: 600; padding-top: .9rem }
.pass { color: var(--good) } .fail { color: var(--bad); font-weight: 700 }
.none { color: var(--soft) }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem;
        padding: 1rem 1.2rem; margin: 1.4rem 0 }
.card.bad { border-left: .3rem solid var(--bad) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0 }
dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
code, pre, .line, .stack { font-family: ui-monospace, "DejaVu Sans Mono", monospace;
                           font-size: .9em }
pre { overflow-x: auto; background: var(--back); padding: .7rem; border-radius: .3rem }
.stack { width: auto; margin: .9rem 0 } .stack caption { text-align: left; color: var(--soft) }
.schedule { font-size: .9em } .schedule td { vertical-align: top }
.schedule .decides td, .schedule .decides th { border-top: 2px solid var(--bad) }
.plot { width: 100%; max-width: 45rem } .plot text { fill: var(--text); font-size: 12px }
.plot polyline { fill: none; stroke: var(--accent); stroke-width: 2 }
.plot .axis { fill: none; stroke: var(--soft) } .plot .grid { stroke: var(--rule) }
figure { margin: 0 } figcaption { color: var(--soft); font-size: .9rem }
a { color: var(--accent) } :target { scroll-margin-top: 1rem }
summary { cursor: pointer } details { margin-top: .8rem }
"""
