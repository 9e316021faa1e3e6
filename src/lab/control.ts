// The lab's controls over HTTP: what it can do (/lab/, /lab/faults), what reached it (/lab/deliveries), and how to make
// the next requests fail (/lab/next, /lab/set) or open an address with a fault (/lab/listen). Its own controls are
// never struck by a fault that works on requests, and are not recorded.
import { type Html, html } from "../std/html.ts";
import type { LabResponse } from "./answer.ts";
import type { Fault, LabRequest } from "./fault.ts";
import { FAULT_NAMES, FAULTS, isFaultName, readOptions } from "./faults.ts";
import { json } from "./good.ts";
import { page } from "./page.ts";
import type { Lab } from "./server.ts";

const CONTROL_BODY_MAX = 4096;
const COUNT_MAX = 10_000;
const CONTROL_PATHS = new Set([
  "/lab",
  "/lab/",
  "/lab/faults",
  "/lab/deliveries",
  "/lab/next",
  "/lab/set",
  "/lab/listen",
  "/lab/break",
]);

/** Whether a path is a control of the lab (or of the shop on it). */
export function isControlPath(path: string): boolean {
  return CONTROL_PATHS.has(path);
}

/** Answers a control request; null = none. */
export async function controlResponse(lab: Lab, request: LabRequest): Promise<LabResponse | null> {
  const { path, method } = request;
  if (path === "/lab" || path === "/lab/") return indexPage();
  if (path === "/lab/faults") return json(faultList());
  if (path === "/lab/deliveries") return method === "DELETE" ? forget(lab) : json(lab.deliveries.map(deliveryAsJson));
  if (path !== "/lab/next" && path !== "/lab/set" && path !== "/lab/listen") return null;
  if (method !== "POST") return json({ error: "use POST" }, 405);
  if (isFromOtherSite(request)) return json({ error: "not from a page of another site" }, 403);
  const settings = await readSettings(request);
  if (settings === null) return json({ error: 'send {"fault": NAME, …} or ?fault=NAME' }, 400);
  return change(lab, path, settings);
}

/** A browser says where a request comes from; pages of other sites may not work the controls. */
export function isFromOtherSite(request: LabRequest): boolean {
  const site = request.header("sec-fetch-site");
  return site !== undefined && site !== "same-origin" && site !== "none";
}

async function change(lab: Lab, path: string, settings: Map<string, string>): Promise<LabResponse> {
  const name = settings.get("fault") ?? "";
  if (path === "/lab/set" && (name === "" || name === "none")) {
    lab.setFault(null);
    return json({ standing: null });
  }
  if (!isFaultName(name)) return json({ error: `no fault is called ${name}; /lab/faults lists them` }, 404);
  const options = readOptions((key) => settings.get(key));
  if (path === "/lab/listen") {
    const { address, ca, client } = await lab.listener(name, options);
    return json({ fault: name, cause: FAULTS[name].cause, address, ca, client }, 201);
  }
  if (FAULTS[name].how === "listen")
    return json({ error: `${name} needs an address of its own: POST /lab/listen` }, 409);
  if (path === "/lab/set") {
    lab.setFault(name, options);
    return json({ standing: name });
  }
  const count = Math.min(options.count ?? 1, COUNT_MAX);
  lab.next(name, count, options);
  return json({ next: name, count });
}

/** Settings from the query and, over it, from a JSON object in the body. */
async function readSettings(request: LabRequest): Promise<Map<string, string> | null> {
  const settings = new Map(request.query);
  const body = await request.body.collect(CONTROL_BODY_MAX);
  if (body === null) return null;
  if (body.length === 0) return settings;
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  for (const [key, entry] of Object.entries(value)) if (entry !== null) settings.set(key, String(entry));
  return settings;
}

function forget(lab: Lab): LabResponse {
  lab.deliveries.length = 0;
  return json({ deliveries: 0 });
}

function deliveryAsJson(delivery: Lab["deliveries"][number]): object {
  const { body: _, ...rest } = delivery;
  return rest;
}

function faultList(): object[] {
  return FAULT_NAMES.map((name) => {
    const { cause, stage, description, how, provoke, repairable = false } = FAULTS[name];
    return { name, cause, stage, description, how, provoke, repairable };
  });
}

/** Rows of a table of faults, for the index and the shop. */
export function faultRows(shown: (fault: Fault) => boolean = () => true): Html[] {
  return FAULT_NAMES.filter((name) => shown(FAULTS[name])).map((name) => {
    const { cause, stage, description, how } = FAULTS[name];
    const label =
      how === "listen" ? html`<code>${name}</code>` : html`<a href="/lab/fault/${name}"><code>${name}</code></a>`;
    return html`<tr><td>${label}<td>${stage}<td>${description}<td>${cause ? html`<code>${cause}</code>` : "copes"}`;
  });
}

function indexPage(): LabResponse {
  const body = html`<h1>Goodgate lab</h1>
<p>An upstream that misbehaves on request: ${FAULT_NAMES.length} faults. Put a gateway in front and open
<code>/lab/fault/NAME</code> through it, send <code>X-Lab-Fault: NAME; ms=500</code> with any request, or
<code>POST /lab/next?fault=NAME&amp;count=3</code>. A fault without a link is one of the address:
<code>POST /lab/listen?fault=NAME</code> opens one.
What arrived is at <a href="/lab/deliveries">/lab/deliveries</a>. Well-behaved:
<a href="/lab/echo">echo</a>, <a href="/lab/bytes?n=1000&amp;chunked">bytes</a>,
<a href="/lab/slow?ms=1000">slow</a>, <a href="/lab/status/418">status</a>.</p>
<div class="scroll"><table><thead><tr><th>Fault<th>Stage<th>What it does<th>Cause a gateway must name</thead>
<tbody>${faultRows()}</tbody></table></div>`;
  return {
    status: 200,
    headers: [["Content-Type", "text/html; charset=utf-8"]],
    body: page({ title: "Goodgate lab", body }),
  };
}
