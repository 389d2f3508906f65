"""The words and the look of summary.html: markup around the content, methods, style. Nothing from the network."""

from __future__ import annotations

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<header>
<h1>{title}</h1>
<p class="question">{question}</p>
<p class="facts">{facts}</p>
</header>
{notices}
{content}
</main>
</body>
</html>
"""

STYLE = """
:root { --ink: #1b1f24; --faint: #5f6875; --line: #d4d9df; --tile: #f4f6f8; --accent: #01665e; color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink);
  font: 15px/1.5 "Helvetica Neue", Helvetica, Arial, system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 12px 30px 60px; }
h1 { font-size: 1.9rem; line-height: 1.2; letter-spacing: -0.015em; margin: 30px 0 4px; }
h2 { font-size: 1.25rem; margin: 46px 0 6px; padding-top: 14px; border-top: 2px solid var(--ink); }
h3 { font-size: 1rem; margin: 26px 0 4px; }
.question { font-size: 1.08rem; margin: 0 0 6px; }
.facts, .note, caption, figcaption { color: var(--faint); font-size: .87rem; }
.notice { margin: 12px 0; padding: 9px 14px; background: #fff3d6; border-left: 4px solid #d89614; }
.verdicts { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 14px; margin: 18px 0; }
.verdicts div { background: var(--tile); padding: 12px 18px; }
.verdicts h3 { margin: 0 0 4px; } .verdicts p { margin: 4px 0; } .verdicts b { color: var(--accent); }
.verdicts b.below { color: #8c510a; }
table { width: 100%; border-collapse: collapse; font-size: .86rem; margin: 14px 0 4px; border-bottom: 1.5px solid; }
caption, figcaption { text-align: left; padding: 0 0 6px; } caption b, figcaption b { color: var(--ink); }
thead th { border-top: 1.5px solid; border-bottom: 1px solid; vertical-align: bottom; }
th { text-align: left; font-weight: 600; }
th, td { padding: 2px 10px 2px 0; vertical-align: top; line-height: 1.4; }
tbody th { font-weight: 400; white-space: nowrap; } tbody th.names { white-space: normal; }
tr.first > * { border-top: 1px solid var(--line); } tr.pooled > * { font-weight: 600; }
.n { text-align: right; font-variant-numeric: tabular-nums; } td.n { white-space: nowrap; }
td.dim { color: var(--faint); } sup { line-height: 0; }
figure { margin: 18px 0; } figure svg { width: 100%; height: auto; display: block; }
.pair { display: grid; grid-template-columns: 7fr 5fr; gap: 20px; align-items: end; }
ol.scale { margin: 6px 0; padding: 0; list-style: none; } ol.scale b { display: inline-block; min-width: 1.4em; }
.references { padding-left: 1.2em; font-size: .84rem; color: var(--faint); }
div.table { overflow-x: auto; }
@page { margin: 14mm; }
@media print { html, body { font-size: 10px; } main { max-width: none; padding: 0; } div.table { overflow: visible; }
  table { font-size: .8rem; } h2, caption { break-after: avoid; } figure, svg, tr { break-inside: avoid; }
  figure.long { break-inside: auto; }
  svg, .notice, .verdicts div { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
@media screen and (max-width: 760px) { .pair { grid-template-columns: 1fr; } main { padding: 8px 14px 40px; } }
"""

METHODS = """
<p>Each contour is scored once by each rater; second scorings are used for intra-rater agreement only. Contours that a
rater called not assessable have no score and are counted apart. SD is the sample standard deviation (n − 1). An organ
is clinically acceptable with minor modification where the mean over all raters reaches {acceptable:g}, and usable
where it reaches {usable:g} [1]. Shares have Wilson score intervals [2]; they take scores for independent, which those
of one child are not, and are somewhat too narrow where organs or raters are pooled.</p>
<p>Agreement: Cohen’s κ with quadratic weights for two raters [3], Fleiss’ κ for more [4], Krippendorff’s α for
ordinal data [5], Gwet’s AC2 with quadratic weights over the five scores [6], ICC(2,1), two-way random effects,
absolute agreement, single rater [7]. Where nearly all scores are the same, κ, α and ICC are low or not defined
however well raters agree; AC2 and the share of equal scores are not. Intervals of agreement are percentile bootstraps
of {resamples} resamples over cases, so that contours of one child stay together; there are none with fewer than
{fewest} cases. Limits of agreement are bias ± 1.96 SD with intervals from the t distribution [8].</p>
<p>Sources are compared in pairs of one child: a rater’s score of one source minus the same rater’s of the other,
averaged over raters (and organs, where they are pooled), tested with Wilcoxon’s signed-rank test [9], two-sided,
cases without a difference left out, p from the permutation distribution, which holds with ties. Bonferroni’s
correction multiplies by the number of comparisons with a p; those of single structures and those of pooled ones are a
family each. All intervals are of 95 %.</p>
<ol class="references">
<li>Thresholds as in the reader study of a paediatric upper-abdominal model: 15 children, two radiation
oncologists.</li>
<li>Wilson EB. J Am Stat Assoc 1927;22:209–212. Newcombe RG. Stat Med 1998;17:857–872.</li>
<li>Cohen J. Psychol Bull 1968;70:213–220.</li>
<li>Fleiss JL. Psychol Bull 1971;76:378–382.</li>
<li>Krippendorff K. Computing Krippendorff’s alpha-reliability. University of Pennsylvania, 2011.</li>
<li>Gwet KL. Handbook of inter-rater reliability. 4th ed. Advanced Analytics, 2014.</li>
<li>Shrout PE, Fleiss JL. Psychol Bull 1979;86:420–428.</li>
<li>Bland JM, Altman DG. Lancet 1986;327:307–310.</li>
<li>Wilcoxon F. Biometrics Bull 1945;1:80–83.</li>
</ol>
"""
