"""How the page of a verdict looks: light or dark as the reader's system is, on a phone, and on paper.

Blue is good and orange is failing, which also those can tell apart who see no red or green; words say it, too.
"""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59616b; --paper: #fff; --card: #f5f6f8; --line: #d9dde2;
  --good: #2563a8; --good-fill: #7fb0e0; --bad: #b3400c; --bad-fill: #e2662a; --warn: #855300; --track: #e4e8ed;
  --yes: #17693f; --no: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceef1; --soft: #a9b1bb; --paper: #121417; --card: #1c1f24;
  --line: #363c44; --good: #8fc1f5; --good-fill: #4d86bf; --bad: #ffa273; --bad-fill: #e87a41; --warn: #f1bf4b;
  --track: #2b3037; --yes: #62cf97; --no: #ff8f87; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: clamp(1.5rem, 4.5vw, 2.1rem); line-height: 1.2; margin: .25rem 0 .75rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .25rem; }
h3 { font-size: 1.02rem; margin: 0 0 .25rem; line-height: 1.35; }
p { margin: .25rem 0; } ul { margin: .25rem 0; padding-left: 1.2rem; }
code, .value { font-family: ui-monospace, "Liberation Mono", Menlo, monospace; font-size: .92em; white-space:
  pre-wrap; }
.soft { color: var(--soft); } .small { font-size: .875rem; }
.lead { color: var(--soft); margin-bottom: 1rem; }
header { border-bottom: 1px solid var(--line); padding-bottom: .75rem; margin-bottom: 1.5rem; }
header b { font-size: 1.05rem; }
.answer { background: var(--card); border-radius: .75rem; padding: 1.25rem 1.5rem 1.4rem; border-left: .5rem solid; }
.answer.yes { border-color: var(--yes); } .answer.no { border-color: var(--no); } .answer.care { border-color:
  var(--warn); }
.answer .word { font-weight: 700; } .yes .word { color: var(--yes); } .no .word { color: var(--no); }
.care .word { color: var(--warn); }
.question { color: var(--soft); font-size: .95rem; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .9rem 1.5rem;
  margin: 1.1rem 0 0; padding: 0; list-style: none; }
.numbers b { display: block; font-size: 1.55rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.share { margin: 1.2rem 0 0; } .share svg { height: .85rem; border-radius: .45rem; }
svg { display: block; width: 100%; } .g { fill: var(--good-fill); } .b { fill: var(--bad-fill); }
.t { fill: var(--track); } .l { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
.key { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .5rem 0 .75rem; padding: 0; list-style: none;
  font-size: .875rem; color: var(--soft); }
.key i { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem; margin-right: .4rem;
  vertical-align: -.06rem; background: var(--good-fill); } .key i.bad { background: var(--bad-fill); }
.card { border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.15rem; margin: .8rem 0; break-inside:
  avoid; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr)); gap: 0 1rem; }
.tags { display: flex; flex-wrap: wrap; gap: .3rem .5rem; margin: .35rem 0 .5rem; font-size: .8125rem; color:
  var(--soft); }
.tags span { border: 1px solid var(--line); border-radius: 1rem; padding: .02rem .6rem; }
.tags .fail, .tags .error { border-color: currentcolor; color: var(--no); font-weight: 600; }
.tags .warn, .tags .not_executed { border-color: currentcolor; color: var(--warn); font-weight: 600; }
.scroll { overflow-x: auto; margin-top: .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; overflow-wrap: break-word; }
caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
tbody th { color: inherit; font-weight: 400; }
.it { color: var(--bad); } td.it { font-weight: 600; } td.value { min-width: 7rem; max-width: 30rem; }
.bars { display: grid; grid-template-columns: minmax(6rem, 16rem) minmax(4rem, 1fr) max-content; gap: .3rem .8rem;
  align-items: center; font-size: .875rem; margin: .5rem 0; padding: 0; list-style: none; }
.bars li { display: contents; } .bars svg { height: .8rem; border-radius: .2rem; }
.bars b { font-weight: 400; font-variant-numeric: tabular-nums; text-align: right; color: var(--soft); }
.two svg { height: .5rem; margin: .1rem 0; }
.axis { display: flex; justify-content: space-between; font-size: .8125rem; color: var(--soft); gap: 1rem;
  margin-top: .2rem;
  font-variant-numeric: tabular-nums; } .axis :last-child { text-align: right; }
.rows > svg { height: 7rem; } .hist svg { height: 3.4rem; } .hist p { margin: .4rem 0 .1rem; font-size: .8125rem;
  color: var(--soft); }
details { margin: .4rem 0; } summary { cursor: pointer; color: var(--soft); font-size: .875rem; }
footer { border-top: 1px solid var(--line); margin-top: 3rem; } footer table th { width: 11rem; }
@media (max-width: 36rem) { body { padding: 1rem .9rem 3rem; } .answer { padding: 1rem 1.1rem 1.1rem; }
  .bars { grid-template-columns: minmax(5rem, 8.5rem) minmax(3rem, 1fr) max-content; gap: .3rem .5rem; }
  .card { padding: .85rem .9rem; } .grid th, .grid td {
  padding-right: .4rem; font-size: .8125rem; }
  .grid th:last-child, .grid td:last-child { padding-right: 0; } footer table th { width: 7rem; } }
@media print { body { max-width: none; padding: 0; font-size: 12px; } :root { color-scheme: light; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } .answer { break-inside: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; } }
"""
