// Style and script of the error page, as they go out: text for a browser, not code of this program. Nothing is
// interpolated, so that their hashes are the same for every page. Contrast is at least 4.5:1 in both schemes.

/** Light and dark by the reader's system, from 320 pixels of width up. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--paper:#faf9f7;--card:#fff;--ink:#1d1c1a;--soft:#5b5751;--line:#d9d5cd;--link:#0a558c;--on-link:#fff;--good:#1b6b3a;--bad:#a8201a}
@media (prefers-color-scheme:dark){:root{--paper:#141517;--card:#1c1e21;--ink:#eeece8;--soft:#aeaaa2;--line:#3a3c40;--link:#92c8f5;--on-link:#10202c;--good:#8ad9a8;--bad:#ffa198}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:2rem 1.25rem;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{width:100%;max-width:40rem}
.status{margin:0 0 .75rem;color:var(--soft);font-size:.9375rem;font-variant-numeric:tabular-nums}
h1{margin:0 0 .75rem;font-size:clamp(1.625rem,5vw,2.25rem);line-height:1.2;letter-spacing:-.015em;text-wrap:balance}
p{margin:0 0 1rem;max-width:34rem}
.hops{display:flex;list-style:none;margin:2.25rem 0;padding:1.5rem .75rem 1.25rem;background:var(--card);border:1px solid var(--line);border-radius:.875rem}
.hops li{position:relative;flex:1;min-width:0;padding:0 .25rem;text-align:center;line-height:1.35}
.hops li+li::before{content:"";position:absolute;top:1.125rem;right:calc(50% + 1.625rem);width:calc(100% - 3.25rem);border-top:2px solid var(--line)}
.hops li.failed+li::before,.hops li.failed:last-child::before,.hops li.unused::before{border-top-style:dashed}
.mark{display:grid;place-items:center;width:2.25rem;height:2.25rem;margin:0 auto .625rem;border:2px solid var(--good);border-radius:50%;color:var(--good);font-weight:700;line-height:1}
.failed .mark{border-color:var(--bad);border-radius:.5rem;background:var(--bad);color:var(--card)}
.unused .mark{border-style:dashed;border-color:var(--soft);color:var(--soft)}
.hops b{display:block;font-size:.9375rem;font-weight:600;overflow-wrap:anywhere}
.hops span:last-child{color:var(--soft);font-size:.875rem}
.hops .failed span:last-child{color:var(--bad);font-weight:600}
.acts{display:flex;flex-wrap:wrap;align-items:center;gap:.75rem 1rem;margin:1.5rem 0}
.acts a,.acts button,footer button{font:inherit;cursor:pointer;border-radius:.5rem}
.acts a{padding:.625rem 1.25rem;background:var(--link);color:var(--on-link);font-weight:600;text-decoration:none}
.acts button,footer button{padding:.25rem .5rem;border:1px solid var(--line);background:none;color:var(--link);font-size:.875rem}
.acts [role=timer]{color:var(--soft);font-size:.9375rem;font-variant-numeric:tabular-nums}
a:focus-visible,button:focus-visible,summary:focus-visible{outline:3px solid var(--link);outline-offset:3px}
footer{margin-top:2.25rem;padding-top:1.25rem;border-top:1px solid var(--line);color:var(--soft);font-size:.875rem;overflow-wrap:anywhere}
footer p{margin:0 0 .25rem}
code{font:.9375em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--ink);user-select:all;-webkit-user-select:all}
.operator{margin:2.25rem 0 0;padding:1.25rem 1.375rem;background:var(--card);border:1px solid var(--line);border-radius:.875rem;font-size:.9375rem}
.operator h2{margin:0 0 .75rem;font-size:1rem}
dl{display:grid;grid-template-columns:minmax(6.5rem,auto) 1fr;gap:.5rem 1.25rem;margin:0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
dd a{color:var(--link)}
[hidden]{display:none!important}
@media (max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.75rem}.hops{padding-inline:.25rem}.hops b{font-size:.875rem}}
@media print{.acts{display:none}}
`;

/** Tries again by itself: after the wait, then twice as long each time up to a minute, ten times in all. */
export const PAGE_SCRIPT = `
(() => {
  const copy = document.getElementById("copy");
  const id = document.getElementById("id");
  if (navigator.clipboard) {
    copy.hidden = false;
    copy.onclick = () => navigator.clipboard.writeText(id.textContent).then(() => { copy.textContent = "Copied"; }, () => { copy.hidden = true; });
  }
  const base = Number(document.querySelector("main").dataset.wait);
  if (!(base > 0)) return;
  const timer = document.getElementById("timer");
  const stop = document.getElementById("stop");
  const key = "goodgate-retry:" + location.pathname;
  const now = () => Date.now();
  let tries = 0;
  try {
    const [count, at] = (sessionStorage.getItem(key) || "0 0").split(" ").map(Number);
    if (now() - at < 180000) tries = count;
  } catch { tries = 0; }
  const end = (text) => { timer.textContent = text; stop.hidden = true; clearInterval(ticking); };
  const due = now() + 1000 * Math.min(60, base * 2 ** tries) * (1 + Math.random() / 4);
  const again = () => {
    try { sessionStorage.setItem(key, tries + 1 + " " + now()); } catch { return end(""); }
    end("Trying again…");
    location.reload();
  };
  const tick = () => {
    const left = Math.ceil((due - now()) / 1000);
    if (left > 0) timer.textContent = "Tries again by itself in " + left + " s";
    else if (navigator.onLine === false) timer.textContent = "Waiting for your network";
    else if (!document.hidden) again();
  };
  let ticking = 0;
  if (tries >= 10) return end("");
  stop.hidden = false;
  stop.onclick = () => end("Stopped.");
  document.addEventListener("visibilitychange", () => { if (ticking && !stop.hidden) tick(); });
  tick();
  ticking = setInterval(tick, 1000);
})();
`;
