"""The page around report.html's content: markup and style, nothing from the network."""

from __future__ import annotations

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A synthetic child's abdomen, segmented</title>
<style>{style}</style>
</head>
<body>
<p class="notice">{notice}</p>
<main>
<header>
<h1>A synthetic child’s abdomen, segmented</h1>
<p class="facts">{facts}</p>
</header>
{content}
</main>
<p class="notice">{notice}</p>
</body>
</html>
"""

STYLE = """
:root { --ink: #1b1f24; --faint: #667080; --line: #e3e7ec; --paper: #ffffff; --tile: #f5f7f9; --accent: #0b6e6e;
  color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --faint: #97a1b0; --line: #2a3038; --paper: #14171b; --tile: #1c2026; --accent: #4fb8b0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 8px 28px 40px; }
.notice { margin: 0; padding: 9px 16px; text-align: center; background: #ffb238; color: #231a05; font-weight: 600; }
h1 { font-size: 2.1rem; line-height: 1.15; letter-spacing: -0.02em; margin: 34px 0 6px; font-weight: 680; }
h2 { font-size: 1.15rem; margin: 40px 0 8px; font-weight: 650; }
.facts { color: var(--faint); margin: 0 0 26px; } .facts b { color: var(--ink); font-weight: 550; }
.views input { position: absolute; opacity: 0; }
.views label { display: inline-block; padding: 6px 16px; border: 1px solid var(--line); margin-right: -1px;
  cursor: pointer; font-size: .92rem; color: var(--faint); }
.views label:first-of-type { border-radius: 8px 0 0 8px; } .views label:last-of-type { border-radius: 0 8px 8px 0; }
.views input:checked + label { background: var(--accent); border-color: var(--accent); color: var(--paper); }
.views input:focus-visible + label { outline: 3px solid var(--ink); outline-offset: 2px; }
.planes { display: grid; grid-template-columns: var(--widths); gap: 14px; margin-top: 14px; align-items: start; }
figure { margin: 0; background: #000; border-radius: 10px; overflow: hidden; }
figure img { display: none; width: 100%; height: auto; }
figcaption { background: var(--tile); color: var(--faint); font-size: .85rem; padding: 5px 12px; }
#show-found:checked ~ .planes .found, #show-truth:checked ~ .planes .truth,
#show-ct:checked ~ .planes .ct { display: block; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: 14px; margin-top: 24px; }
.tiles div { background: var(--tile); border-radius: 10px; padding: 16px 18px; }
.tiles strong { display: block; font-size: 1.75rem; font-weight: 640; letter-spacing: -0.01em;
  font-variant-numeric: tabular-nums; }
.tiles span { color: var(--faint); font-size: .9rem; }
table { width: 100%; border-collapse: collapse; font-size: .94rem; }
th { text-align: left; font-weight: 600; color: var(--faint); font-size: .84rem; }
th, td { padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: middle; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td i { display: inline-block; width: 13px; height: 13px; border-radius: 4px; margin-right: 10px; vertical-align: -1px; }
.bar { width: 130px; } .bar b { display: block; height: 7px; border-radius: 4px; background: var(--accent); }
code { font: .88em ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.halves { display: grid; grid-template-columns: 3fr 2fr; gap: 0 48px; }
a { color: var(--accent); } .small { color: var(--faint); font-size: .86rem; }
@media (max-width: 760px) { .planes, .halves { grid-template-columns: 1fr; } main { padding: 8px 16px 32px; } }
@media print { .views label { display: none; } .notice { print-color-adjust: exact; } }
"""
