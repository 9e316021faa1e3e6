// The tour: one step at a time, which notices by itself that it has happened (from the live events) and goes on after a
// moment. Every step can be skipped; closed it stays closed.
import { useEffect, useRef, useState } from "preact/hooks";
import type { DemoAction, IncidentRow, Now } from "../../model.ts";
import { api } from "../api.ts";
import { live, onLive } from "../live.ts";
import { usePlace } from "../router.tsx";
import { useStore } from "../store.ts";
import { say } from "../toasts.tsx";
import { ActionButton, Button } from "../ui/button.tsx";
import { Shape } from "../ui/shape.tsx";
import { nextStep, STEPS, type Step, shopOut, tourIncident, tourShop, tourStep } from "./tour-state.ts";

const GO_ON_MS = 2500;

interface TourProps {
  readonly act: (action: DemoAction) => void;
  /** The bar with the shops is folded: a step's button stands in the step. */
  readonly folded: boolean;
}

export function Tour(props: TourProps) {
  const at = useStore(tourStep, (value) => value);
  const step = STEPS.find(({ id }) => id === at) ?? (at === "" ? STEPS[0] : undefined);
  if (!step) return null;
  return <TourStep key={step.id} step={step} {...props} />;
}

function TourStep({ step, act, folded }: TourProps & { readonly step: Step }) {
  const now = useStore(live, (value) => value.now);
  const { path } = usePlace();
  const incident = useIncident(step);
  const shop = useShop();
  const beganAt = useRef(performance.now());
  const [done, setDone] = useState(false);
  const seen = now && { now, path, incident, shop, sinceMs: performance.now() - beganAt.current };
  const happened = seen !== null && step.happened(seen);
  useEffect(() => {
    if (happened) setDone(true);
  }, [happened]);
  useEffect(() => say(`Tour: ${step.title}`), [step]);
  useEffect(() => {
    if (!done) return;
    const timer = window.setTimeout(() => nextStep(step.id), GO_ON_MS);
    return () => window.clearTimeout(timer);
  }, [done, step]);
  if (!seen) return null;
  const index = STEPS.indexOf(step);
  const href = step.href(seen);
  const deed = folded && !done ? step.does?.(seen) : undefined;
  const elsewhere = href !== null && href !== path;
  return (
    <section class="tour" aria-label="Tour">
      <ol class="tour-dots" aria-hidden="true">
        {STEPS.map(({ id }, place) => (
          <li key={id} class={place < index || (place === index && done) ? "past" : place === index ? "here" : ""} />
        ))}
      </ol>
      <p class="tour-text">
        <b>
          {index + 1} of {STEPS.length}: {step.title}
        </b>{" "}
        {done && <Shape name="star" tone="good" />} {step.text(seen)}{" "}
        {elsewhere && !done && (step.id !== "incident" || incident) && (
          <a href={href}>{step.id === "incident" ? "Open the incident" : "Show it"}</a>
        )}
      </p>
      <span class="tour-acts">
        {deed && (
          <ActionButton small kind="primary" onClick={() => act(deed.action)}>
            {deed.word}
          </ActionButton>
        )}
        <Button small onClick={() => nextStep(step.id)}>
          {index === STEPS.length - 1 ? "Finish" : done ? "Next" : "Skip"}
        </Button>
        <Button small kind="quiet" onClick={() => tourStep.set("closed")}>
          Close
        </Button>
      </span>
    </section>
  );
}

/** The endpoint that is broken, or was when this began. */
function useShop(): string {
  const out = useStore(live, ({ now }) => (now ? shopOut(now) : null));
  const known = useStore(tourShop, (value) => value);
  useEffect(() => {
    if (out !== null && known === "") tourShop.set(out);
  }, [out, known]);
  return known;
}

/** The newest of these that is about the endpoint of the tour. */
function ofTour(open: Now["incidents"], shop: string): IncidentRow | undefined {
  return open
    .filter(({ severity, endpoints }) => severity !== "notice" && endpoints.some((name) => name.startsWith(shop)))
    .sort((one, other) => other.openedAt - one.openedAt)[0];
}

/** The incident that began with the crash, kept up to date. */
function useIncident(step: Step): IncidentRow | null {
  const id = useStore(tourIncident, (value) => value);
  const [row, setRow] = useState<IncidentRow | null>(null);
  const open = useStore(live, ({ now }) => now?.incidents);
  const shop = useStore(tourShop, (value) => value);
  useEffect(() => {
    const found = id === "" ? ofTour(open ?? [], shop) : open?.find((one) => one.id === id);
    if (!found || (id === "" && shop === "")) return;
    if (id === "") tourIncident.set(found.id);
    setRow(found);
  }, [open, id, shop]);
  useEffect(
    () =>
      onLive((event) => {
        if (event.event !== "incident") return;
        const { incident } = event;
        const begun = tourShop.get();
        if (tourIncident.get() === "" && begun !== "" && ofTour([incident], begun)) tourIncident.set(incident.id);
        if (incident.id === tourIncident.get()) setRow(incident);
      }),
    [],
  );
  // Over before the page was opened again: it is among the open ones no more.
  const over = row === null && id !== "" && open !== undefined && step.id === "over";
  useEffect(() => {
    if (!over) return;
    const stop = new AbortController();
    api.incidents({ limit: 50 }, stop.signal).then(
      ({ items }) => setRow(items.find((one) => one.id === id) ?? null),
      // The step can be skipped.
      () => undefined,
    );
    return () => stop.abort();
  }, [over, id]);
  return row;
}
