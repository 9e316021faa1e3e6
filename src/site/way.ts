// The way of a request with the place where it broke: the figure of the error page (failure/error-page.ts), by phase
// instead of by what happened. State is told by shape and words, not by colour alone.
import { CAUSES, type CauseId, type Phase } from "../failure/causes.ts";
import { type Html, html } from "../std/html.ts";
import { PHASE_NAMES } from "./words.ts";

/** Stops and the stretches between them. */
const PLACES = ["Client", "", "Gateway", "", "Application"] as const;

const BROKEN_AT: Readonly<Record<Phase, number>> = {
  client: 0,
  config: 2,
  gateway: 2,
  dns: 3,
  connect: 3,
  pool: 3,
  tls: 3,
  write: 3,
  "response-head": 3,
  "response-body": 3,
  upgrade: 3,
  upstream: 4,
};

/** Client → gateway → application, and where a cause breaks it. */
export function wayView(cause: CauseId): Html {
  const { phase } = CAUSES[cause];
  const broken = BROKEN_AT[phase];
  const places = PLACES.map((name, index) => {
    const state = index === broken ? "broken" : index < broken ? "fine" : "beyond";
    const told = index === broken ? PHASE_NAMES[phase] : "";
    const mark = state === "broken" ? "✕" : state === "fine" ? "✓" : "–";
    if (name === "") {
      return html`<li class="stretch ${state}"${index === broken ? "" : html` aria-hidden="true"`}>${index === broken ? html`<span class="mark" aria-hidden="true">✕</span><span class="told">${told}</span>` : ""}</li>`;
    }
    return html`<li class="stop ${state}"><span class="mark" aria-hidden="true">${mark}</span><b>${name}</b>${told === "" ? "" : html`<span class="told">${told}</span>`}</li>`;
  });
  return html`<ol class="way" aria-label="Where it breaks: ${PHASE_NAMES[phase]}">${places}</ol>`;
}
