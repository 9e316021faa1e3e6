// Style and script of the HTML report, as they go out: text for a browser, not code of this program. Nothing is
// interpolated, so that their hashes are the same for every report. The look is that of the error page and of the
// reference. Contrast is at least 4.5:1 in both schemes; state is told by shape and words, not by colour alone.

/** Light and dark by the reader's system, from 320 pixels of width up; on paper as light. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--paper:#faf9f7;--card:#fff;--ink:#1d1c1a;--soft:#5b5751;--line:#d9d5cd;--link:#0a558c;--good:#1b6b3a;--bad:#a8201a;--warn:#874700;--code:#f3f1ec;--k0:#a8201a;--k1:#0a558c;--k2:#874700;--k3:#5a35a8;--k4:#1b6b3a;--k5:#8a1f63;--k6:#77726a;--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
@media (prefers-color-scheme:dark){:root{--paper:#141517;--card:#1c1e21;--ink:#eeece8;--soft:#aeaaa2;--line:#3a3c40;--link:#92c8f5;--good:#8ad9a8;--bad:#ffa198;--warn:#f1c27d;--code:#0f1012;--k0:#ffa198;--k1:#92c8f5;--k2:#f1c27d;--k3:#c9b5ff;--k4:#8ad9a8;--k5:#f3a8d2;--k6:#a09b92}}
@media print{:root{color-scheme:light;--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--link:#000;--good:#1b6b3a;--bad:#a8201a;--warn:#874700;--code:#f5f5f5;--k0:#a8201a;--k1:#0a558c;--k2:#874700;--k3:#5a35a8;--k4:#1b6b3a;--k5:#8a1f63;--k6:#77726a}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;padding:1.5rem 1.25rem 3rem;background:var(--paper);color:var(--ink);font:1rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
main,.top,footer{max-width:56rem;margin-inline:auto}
.top{display:flex;flex-wrap:wrap;gap:.25rem 1rem;justify-content:space-between;margin-bottom:1rem;color:var(--soft);font-size:.9375rem}
.top b{color:var(--ink);font-weight:600}
h1{margin:.5rem 0 .75rem;font-size:clamp(1.375rem,4.2vw,1.875rem);line-height:1.25;letter-spacing:-.012em;text-wrap:balance}
h2{margin:0 0 .75rem;font-size:1.125rem;line-height:1.35}
h3{margin:1.25rem 0 .5rem;font-size:1rem}
p{margin:0 0 .75rem}
bdi,code,td,th,li,dd,b,h1,p{unicode-bidi:isolate}
section,.verdict,details{margin:0 0 1rem;padding:1.125rem 1.25rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem}
.verdict{padding:1.25rem 1.375rem;border-left:.375rem solid var(--soft)}
.verdict.bad{border-left-color:var(--bad)}
.verdict.good{border-left-color:var(--good)}
.verdict.open,.verdict.notice{border-left-color:var(--warn)}
.label{display:inline-flex;align-items:center;gap:.5rem;font-weight:700}
.verdict.bad .label{color:var(--bad)}
.verdict.good .label{color:var(--good)}
.verdict.open .label,.verdict.notice .label{color:var(--warn)}
.facts{display:flex;flex-wrap:wrap;gap:.375rem .5rem;margin:0 0 .75rem;padding:0;list-style:none;font-size:.9375rem}
.facts li{padding:.125rem .625rem;border:1px solid var(--line);border-radius:1rem}
.verdict>:last-child,section>:last-child,.plot>:last-child,details>:last-child{margin-bottom:0}
.hops{list-style:none;margin:0;padding:.25rem 0 0;line-height:1.35}
.hops>li{position:relative;display:grid;grid-template-columns:2rem 1fr;gap:0 .75rem;padding:0 0 1rem}
.hops>li:last-child{padding-bottom:0}
.hops>li>.mark{grid-row:1/4}
.hops>li:not(:last-child)::after{content:"";position:absolute;top:2.25rem;bottom:.25rem;left:calc(1rem - 1px);border-left:2px solid var(--line)}
.hops>li.broken::after,.hops>li:has(+.broken)::after{border-left-style:dashed}
.hops>li.fork{display:block;padding-left:1rem}
.branches{list-style:none;margin:0;padding:0;text-align:left;border-left:2px solid var(--line)}
.branches li{display:grid;grid-template-columns:2rem 1fr;gap:0 .625rem;align-items:start;margin:.375rem 0;padding-left:.75rem}
.branches .mark{grid-row:1/4}
.hops>li.fork::after,.line>li.fork::before{display:none}
.mark{display:grid;place-items:center;width:2rem;height:2rem;margin:0;border:2px solid var(--soft);border-radius:50%;color:var(--soft);font-weight:700;line-height:1}
.good>.mark{border-color:var(--good);color:var(--good)}
.bad>.mark{border-color:var(--bad);border-radius:.5rem;background:var(--bad);color:var(--card)}
.warn>.mark{border-color:var(--warn);color:var(--warn);border-radius:.5rem}
.behind>.mark,.unknown>.mark{border-style:dashed}
.hops b{display:block;font-size:.9375rem;font-weight:600}
.hops .said,.hops .address{display:block;color:var(--soft);font-size:.875rem}
.bad>.said{color:var(--bad);font-weight:600}
ul.items{margin:0 0 .75rem;padding-left:1.25rem}
section>.items:last-child{margin-bottom:-.375rem}
ul.items>li{margin:.375rem 0}
.note{color:var(--soft);font-size:.875rem}
.advice{margin:.125rem 0 0}
.advice::before{content:"→ ";color:var(--soft)}
code,pre{font:.9375em/1.5 var(--mono)}
a{color:var(--link);text-underline-offset:.15em}
.file{margin:.5rem 0 .25rem;color:var(--soft);font-size:.875rem}
.copyable{position:relative;margin:0 0 .875rem}
pre{margin:0;padding:.75rem .875rem;background:var(--code);border:1px solid var(--line);border-radius:.5rem;overflow-x:auto;white-space:pre;overflow-wrap:normal;tab-size:4;font-size:.875rem}
.copyable.live pre{padding-right:5rem}
button{font:inherit;font-size:.8125rem;cursor:pointer;padding:.25rem .625rem;border:1px solid var(--line);border-radius:.375rem;background:var(--card);color:var(--link)}
.copyable button{position:absolute;top:.4375rem;right:.4375rem}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:.25rem}
.scroll{overflow-x:auto;margin:0 0 .75rem}
table{border-collapse:collapse;width:100%;font-size:.875rem}
caption{text-align:left;padding:0 0 .375rem;font-weight:600}
th,td{padding:.3125rem .75rem .3125rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);min-width:6.5rem;overflow-wrap:break-word}
th{font-weight:600;color:var(--soft)}
tbody th{color:var(--ink)}
td.inverted{color:var(--bad);font-weight:600}
td .note{font-weight:400}
summary{cursor:pointer;font-weight:600;line-height:1.35}
summary::marker{color:var(--soft)}
details[open]>summary{margin-bottom:.875rem}
details details{margin:.75rem 0;padding:.625rem .875rem;background:var(--paper)}
svg{display:block;width:100%;forced-color-adjust:none}
.plot svg{height:11rem;border-bottom:1px solid var(--soft);background:var(--paper)}
.plot .axis{display:flex;justify-content:space-between;gap:1rem;color:var(--soft);font-size:.8125rem;font-variant-numeric:tabular-nums}
.plot .turn{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:4 3;vector-effect:non-scaling-stroke}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;margin:.625rem 0;padding:0;font-size:.875rem}
.legend li{display:flex;align-items:center;gap:.4375rem}
.legend svg{width:.875rem;height:.875rem;flex:none;border:0}
.k0{fill:var(--k0)}.k1{fill:var(--k1)}.k2{fill:var(--k2)}.k3{fill:var(--k3)}.k4{fill:var(--k4)}.k5{fill:var(--k5)}.k6{fill:var(--k6)}
.bars{display:grid;grid-template-columns:minmax(6rem,16rem) 1fr auto;gap:.375rem .75rem;align-items:center;margin:0;padding:0;list-style:none;font-size:.875rem}
.bars li{display:contents}
.bars svg{height:1rem;background:var(--paper)}
.bars .ms{font-variant-numeric:tabular-nums;text-align:right}
footer{margin-top:1.5rem;color:var(--soft);font-size:.875rem}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
[hidden]{display:none!important}
@media screen and (min-width:52rem){.line{display:flex}.line>li{display:block;flex:1 1 7.5rem;min-width:0;padding:0 .5rem;text-align:center}.line>li>.mark{margin:0 auto .5rem}.line>li:not(:last-child)::after{display:none}.line>li+li::before{content:"";position:absolute;top:1rem;right:calc(50% + 1.5rem);width:calc(100% - 3rem);border-top:2px solid var(--line)}.line>li.broken::before,.line>li.broken+li::before{border-top-style:dashed}.line>li.fork{flex:2 1 15rem;padding:0 .5rem}}
@media (max-width:40rem){body{padding:1rem .75rem 2rem}section,.verdict,details{padding:.875rem 1rem}.bars,.bars li{display:block}.bars li{position:relative;margin-bottom:.75rem;padding-right:4rem}.bars svg{width:calc(100% + 4rem)}.bars .ms{position:absolute;top:0;right:0}}
@media print{body{padding:0;font-size:.875rem}section,.verdict{break-inside:avoid}.copyable button{display:none}pre{white-space:pre-wrap;overflow-wrap:anywhere}.copyable.live pre{padding-right:.875rem}}
`;

/** Copies commands, and opens all evidence for the printer. The report is complete without it. */
export const REPORT_SCRIPT = `
(() => {
  const blocks = document.querySelectorAll(".copyable");
  if (navigator.clipboard) for (const block of blocks) {
    const button = block.querySelector("button");
    block.classList.add("live");
    button.hidden = false;
    button.onclick = () => navigator.clipboard.writeText(block.querySelector("code").textContent).then(() => {
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    }, () => { button.hidden = true; });
  }
  const all = () => document.querySelectorAll("details");
  let closed = [];
  addEventListener("beforeprint", () => { closed = [...all()].filter((each) => !each.open); for (const each of closed) each.open = true; });
  addEventListener("afterprint", () => { for (const each of closed) each.open = false; });
})();
`;
