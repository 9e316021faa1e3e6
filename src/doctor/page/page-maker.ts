// Which program made a response, and which only passed it on. The body decides first: a page that only one program
// makes was made by it, whoever sent it on; then fields that a program sends with answers of its own alone; then
// Proxy-Status, where the innermost hop with an error is the one at fault. A page that nobody is known to make, and the
// JSON of an API, belong to whoever is inside; a bare status with a Server field is possible, no more.
import type { CauseId } from "../../failure/causes.ts";
import { SOFTWARE, type SoftwareId, softwareOf } from "../software.ts";
import { application } from "./app-pages.ts";
import { EDGE_PAGES } from "./edge-pages.ts";
import { type Detector, explained, type Fingerprint } from "./fingerprint.ts";
import { GATEWAY_PAGES } from "./gateway-pages.ts";
import { inOrder, passedHops } from "./hop-marks.ts";
import type { PageMaker, PassedHop, StatedCause } from "./model.ts";
import { ingressDefault, nginxStyle } from "./nginx-pages.ts";
import { passedOn } from "./passed-on.ts";
import { type StatusHop, statusHops } from "./proxy-status-hop.ts";
import { isGatewayStatus, lookAt, type PageResponse, type Seen } from "./response.ts";

export type { PageResponse } from "./response.ts";

/** Pages first, whose words are the program's own; the field Server of an edge says less than the page of a hop inside. */
const DETECTORS: readonly Detector[] = [nginxStyle, ingressDefault, ...EDGE_PAGES, ...GATEWAY_PAGES, application];

const STRENGTH = { proven: 0, likely: 1, possible: 2 } as const;

/** Who made a response, whether as an error of its own, and which hops left their marks on it. Never throws. */
export function pageMakerOf(response: PageResponse): PageMaker {
  const seen = lookAt(response);
  const passed = passedHops(seen);
  const { fault } = statusHops(seen.field("proxy-status"));
  const print = fingerprintOf(seen);
  if (fault?.error && seen.status >= 400) return byProxyStatus(seen, fault, print, passed);
  if (print) return byFingerprint(seen, print, passed);
  return withoutFingerprint(seen, passed);
}

/** Reads the reference now, some 40 ms of work: the first page would do it amid probes whose time is measured. */
export function preparePages(): void {
  explained("error code: 521");
}

/** The strongest; of equals the first. */
function fingerprintOf(seen: Seen): Fingerprint | null {
  let best: Fingerprint | null = null;
  for (const detect of DETECTORS) {
    const found = detect(seen);
    if (found?.certainty === "proven") return found;
    if (found && (best === null || STRENGTH[found.certainty] < STRENGTH[best.certainty])) best = found;
  }
  return best;
}

function byFingerprint(seen: Seen, print: Fingerprint, passed: readonly PassedHop[]): PageMaker {
  const { software, certainty, application: app } = print;
  const isError = seen.status >= 400;
  const ownError = isError && app !== true && certainty !== "possible";
  const reasons = [print.reason];
  if (!isError && !app) reasons.push(`status ${seen.status} is no error`);
  if (app) reasons.push(...passedOn(seen));
  for (const outer of passed.slice(0, positionOf(passed, software)))
    if (SOFTWARE[outer.software].kind !== "app")
      reasons.push(`${SOFTWARE[outer.software].name} passed it on (${outer.mark})`);
  return {
    madeBy: software,
    certainty,
    ownError,
    ...causeOf(ownError || (isError && certainty === "possible") ? print.stated : null),
    reasons,
    passed: withMaker(passed, software, print.name ?? null, print.reason),
  };
}

function byProxyStatus(
  seen: Seen,
  fault: StatusHop,
  print: Fingerprint | null,
  passed: readonly PassedHop[],
): PageMaker {
  // The page says more of who made it than the name of a deployment, which may be anything.
  const page = print && !print.application && print.certainty !== "possible" ? print : null;
  const software = fault.software ?? page?.software ?? null;
  const stated = moreExact(fault.stated, page?.stated ?? goodgateCause(seen));
  const reasons = [`Proxy-Status: the hop "${fault.name}" reports ${fault.error}`];
  if (page) reasons.push(page.reason);
  return {
    madeBy: software,
    certainty: software === null ? "possible" : "proven",
    ownError: true,
    ...causeOf(stated),
    reasons,
    passed: software === null ? passed : withMaker(passed, software, fault.name, reasons[0] ?? ""),
  };
}

/** The page's own words, where they are surer. */
function moreExact(one: StatedCause | null, other: StatedCause | null): StatedCause | null {
  if (!one || !other) return one ?? other;
  return STRENGTH[other.certainty] < STRENGTH[one.certainty] ? { ...other, hop: one.hop } : one;
}

/** Goodgate names the cause in every form of its body. */
function goodgateCause(seen: Seen): StatedCause | null {
  return GATEWAY_PAGES[0]?.(seen)?.stated ?? null;
}

function withoutFingerprint(seen: Seen, passed: readonly PassedHop[]): PageMaker {
  const reasons = [...passedOn(seen)];
  const server = softwareOf(seen.server.replace(/[/ (][\s\S]*$/, ""));
  const bare = seen.status >= 400 && seen.body === "" && server !== null && reasons.length === 0;
  if (bare) reasons.push(`status ${seen.status} without a body, and Server: ${seen.server}`);
  else if (seen.status < 400) reasons.push(`status ${seen.status}: no error page`);
  else if (seen.body === "") reasons.push(`status ${seen.status} without a body, and no field that names its maker`);
  else reasons.push("the body is not a page that a known gateway makes: a page of the application, or one made for it");
  const gateway = bare && server !== null && SOFTWARE[server].kind !== "app";
  return {
    madeBy: bare ? server : null,
    certainty: "possible",
    // Applications seldom answer with these.
    ownError: gateway && isGatewayStatus(seen.status),
    cause: null,
    stated: null,
    reasons,
    passed,
  };
}

/** Only words that mean one class make it the cause; what is likely or possible stands in `stated`. */
function causeOf(stated: StatedCause | null): { readonly cause: CauseId | null; readonly stated: StatedCause | null } {
  return { cause: stated?.certainty === "proven" ? (stated.causes[0] ?? null) : null, stated };
}

const positionOf = (passed: readonly PassedHop[], software: SoftwareId): number => {
  const at = passed.findIndex((hop) => hop.software === software);
  return at === -1 ? passed.length : at;
};

function withMaker(
  passed: readonly PassedHop[],
  software: SoftwareId,
  name: string | null,
  mark: string,
): readonly PassedHop[] {
  const known = passed.find((hop) => hop.software === software);
  if (!known) return inOrder([...passed, { software, mark, name }]);
  return name === null || known.name !== null ? passed : passed.map((hop) => (hop === known ? { ...hop, name } : hop));
}
