// The tour as data: its steps, when each has happened, and where somebody is. The place is kept in this browser, so that a
// reload goes on where it was.
import type { DemoAction, IncidentRow, Now } from "../../model.ts";
import { plural } from "../format.ts";
import { remembered, type Store } from "../store.ts";

export type StepId = "traffic" | "crash" | "saved" | "incident" | "fix" | "over";

/** What steps look at. */
export interface Seen {
  readonly now: Now;
  /** Of the page. */
  readonly path: string;
  /** The incident of the tour, in its latest state. */
  readonly incident: IncidentRow | null;
  /** The endpoint that was broken; "" = none yet. */
  readonly shop: string;
  /** Since the step began. */
  readonly sinceMs: number;
}

export interface Step {
  readonly id: StepId;
  readonly title: string;
  readonly text: (seen: Seen) => string;
  readonly happened: (seen: Seen) => boolean;
  /** What a button of the step itself does: where the bar with the shops is folded. */
  readonly does?: (seen: Seen) => { readonly word: string; readonly action: DemoAction };
  /** Where it is seen; null = anywhere. */
  readonly href: (seen: Seen) => string | null;
}

const LOOK_MS = 6_000;
/** A visitor who broke another shop than the text names is followed. */
const SHOP = "shop-2";

const OUT: ReadonlySet<string> = new Set(["gone", "ejected", "unhealthy"]);

/** The endpoint that cannot be used; null = all can. */
export function shopOut(now: Now): string | null {
  for (const { endpoints } of now.upstreams) {
    const out = endpoints.find(({ state }) => OUT.has(state));
    if (out) return out.label;
  }
  return null;
}

const shopOf = ({ shop }: Seen): string => (shop === "" ? SHOP : shop);

const hrefOf = ({ incident }: Seen): string =>
  incident ? `/incidents/${encodeURIComponent(incident.id)}` : "/incidents";

export const STEPS: readonly Step[] = [
  {
    id: "traffic",
    title: "Visitors come in",
    text: ({ now }) =>
      `${Math.round(now.all.perSecond)} requests a second go through the gateway to three endpoints of one shop. The picture on the page Now shows their way; wider is more.`,
    happened: ({ now, sinceMs }) => now.all.perSecond > 0.5 && sinceMs > LOOK_MS,
    href: () => "/",
  },
  {
    id: "crash",
    title: "Crash shop-2",
    text: () => 'Press "Crash" beside shop-2: its process ends while visitors are on their way to it.',
    happened: ({ now }) => shopOut(now) !== null,
    does: () => ({ word: "Crash shop-2", action: { shop: SHOP, do: "crash" } }),
    href: () => null,
  },
  {
    id: "saved",
    title: "What visitors notice",
    text: (seen) => {
      const { incident } = seen;
      if (incident && incident.saved + incident.shown > 0)
        return `${plural(incident.saved, "request")} failed on ${shopOf(seen)} and ${incident.saved === 1 ? "was" : "were"} sent to another endpoint in time; ${plural(incident.shown, "visitor was", "visitors were")} shown an error.`;
      return `The gateway has noticed that ${shopOf(seen)} is out, and sends new requests to the others. One that had already failed there is sent again to another where that is safe: "Errors avoided" counts it.`;
    },
    happened: ({ incident, sinceMs }) => sinceMs > (incident === null ? LOOK_MS * 1.5 : LOOK_MS / 2),
    href: () => null,
  },
  {
    id: "incident",
    title: "Read the incident",
    text: ({ incident }) =>
      incident
        ? "What happened is one incident with a verdict: what failed, since when, and why. Open it."
        : "What happens becomes one incident with a verdict: what failed, since when, and why. It appears here when the endpoint has been away for 20 s, or at once where errors are shown.",
    happened: ({ path, sinceMs }) => path.startsWith("/incidents/") && sinceMs > 1000,
    href: hrefOf,
  },
  {
    id: "fix",
    title: "Follow the fix",
    text: (seen) => `Its fix is to start the process again: press "Restart" beside ${shopOf(seen)}.`,
    happened: ({ now }) => shopOut(now) === null,
    does: (seen) => ({ word: `Restart ${shopOf(seen)}`, action: { shop: shopOf(seen), do: "heal" } }),
    href: () => null,
  },
  {
    id: "over",
    title: "See it close",
    text: ({ incident }) =>
      incident?.closedAt
        ? "The endpoint is back, its share grows again, and the incident is closed by itself."
        : "The gateway noticed by itself that it is back. The incident closes when it has been quiet for half a minute.",
    happened: ({ incident }) => incident !== null && incident.closedAt !== null,
    href: hrefOf,
  },
];

/** "" = at the first step; an id; "done"; "closed". */
export const tourStep: Store<string> = remembered("tour");

/** The incident that the tour made. */
export const tourIncident: Store<string> = remembered("tour-incident");

/** The endpoint that was broken. */
export const tourShop: Store<string> = remembered("tour-shop");

export function restartTour(): void {
  tourShop.set("");
  tourIncident.set("");
  tourStep.set(STEPS[0]?.id ?? "");
}

/** The next step, or the end. */
export function nextStep(after: StepId): void {
  const index = STEPS.findIndex(({ id }) => id === after);
  tourStep.set(STEPS[index + 1]?.id ?? "done");
}
