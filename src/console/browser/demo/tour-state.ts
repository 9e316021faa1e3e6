// The tour as data: its steps, when each has happened, and where somebody is. The place is kept in this browser, so that a
// reload goes on where it was.
import type { IncidentRow, Now } from "../../model.ts";
import { remembered, type Store } from "../store.ts";

export type StepId = "traffic" | "crash" | "saved" | "incident" | "fix" | "over";

/** What steps look at. */
export interface Seen {
  readonly now: Now;
  /** Of the page. */
  readonly path: string;
  /** The incident of the tour, in its latest state. */
  readonly incident: IncidentRow | null;
  /** Since the step began. */
  readonly sinceMs: number;
}

export interface Step {
  readonly id: StepId;
  readonly title: string;
  readonly text: (seen: Seen) => string;
  readonly happened: (seen: Seen) => boolean;
  /** Where it is seen; null = anywhere. */
  readonly href: (seen: Seen) => string | null;
}

const LOOK_MS = 8_000;

const shopOut = ({ now }: Seen): boolean =>
  now.upstreams.some(({ endpoints }) => endpoints.some(({ state }) => state === "gone" || state === "ejected"));

const hrefOf = ({ incident }: Seen): string =>
  incident ? `/incidents/${encodeURIComponent(incident.id)}` : "/incidents";

export const STEPS: readonly Step[] = [
  {
    id: "traffic",
    title: "Visitors come in",
    text: ({ now }) =>
      `${Math.round(now.all.perSecond)} requests a second go through the gateway to three endpoints of one shop. The picture shows their way; wider is more.`,
    happened: ({ now, sinceMs }) => now.all.perSecond > 0.5 && sinceMs > LOOK_MS,
    href: () => "/",
  },
  {
    id: "crash",
    title: "Crash shop-2",
    text: () => 'Press "Crash" beside shop-2 above: its process ends while visitors are on their way to it.',
    happened: shopOut,
    href: () => null,
  },
  {
    id: "saved",
    title: "Nobody saw an error",
    text: ({ incident }) =>
      incident && incident.saved + incident.shown > 0
        ? `${incident.saved} requests failed on shop-2 and were sent to another endpoint in time; ${incident.shown} visitors were shown an error.`
        : "A request that fails on shop-2 is sent to another endpoint before anybody notices, and new ones go there at once. See the tiles: errors saved, errors shown.",
    happened: ({ incident, sinceMs }) => sinceMs > (incident === null ? LOOK_MS * 1.5 : LOOK_MS / 2),
    href: () => null,
  },
  {
    id: "incident",
    title: "Read the incident",
    text: ({ incident }) =>
      incident
        ? "The failures have become one incident with a verdict: what failed, since when, and why. Open it."
        : "The failures become one incident with a verdict: what failed, since when, and why. It appears here within half a minute.",
    happened: ({ path, sinceMs }) => path.startsWith("/incidents/") && sinceMs > 1000,
    href: hrefOf,
  },
  {
    id: "fix",
    title: "Follow the fix",
    text: () => 'The fix says to start the process again: press "Restart" beside shop-2 above.',
    happened: (seen) => !shopOut(seen),
    href: () => null,
  },
  {
    id: "over",
    title: "See it close",
    text: ({ incident }) =>
      incident?.closedAt
        ? "The endpoint is back, its share grows again, and the incident is closed by itself."
        : "The gateway noticed the return by itself. Without a new failure the incident closes in a while.",
    happened: ({ incident }) => incident !== null && incident.closedAt !== null,
    href: hrefOf,
  },
];

/** "" = at the first step; an id; "done"; "closed". */
export const tourStep: Store<string> = remembered("tour");

/** The incident that the tour made. */
export const tourIncident: Store<string> = remembered("tour-incident");

export function restartTour(): void {
  tourIncident.set("");
  tourStep.set(STEPS[0]?.id ?? "");
}

/** The next step, or the end. */
export function nextStep(after: StepId): void {
  const index = STEPS.findIndex(({ id }) => id === after);
  tourStep.set(STEPS[index + 1]?.id ?? "done");
}
