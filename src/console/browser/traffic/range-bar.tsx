// Chooses the time that is looked at: by name, closer and farther, earlier and later, or from and to. What dragging over
// a chart does can be done here by keyboard; the keys + - ← → do the same wherever ZoomKeys stands around.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { instant } from "../format.ts";
import { gatewayTime } from "../live.ts";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import type { UsedWindow } from "./use-window.ts";
import { moveBy, type Preset, rangeOf, zoomBy, zoomTo } from "./window.ts";

export interface RangeBarProps {
  readonly used: UsedWindow;
  readonly presets: readonly Preset[];
  /** Key of the preset that a zoom is left to. */
  readonly otherwise: string;
}

const ZOOM = 0.5;
const MOVE = 0.5;

export function RangeBar({ used, presets, otherwise }: RangeBarProps) {
  const { window, range, choose } = used;
  const [own, setOwn] = useState(false);
  const fixed = !("lastMs" in window);
  const named = fixed ? null : presets.find(({ ms }) => ms === window.lastMs);
  const leave = presets.find(({ key }) => key === otherwise) ?? presets[0]!;
  return (
    <div class="range-bar">
      <fieldset class="time-range">
        <legend class="unseen">Span of time</legend>
        {presets.map(({ key, label, ms }) => (
          <Button
            key={key}
            small
            kind="quiet"
            pressed={named?.key === key}
            title={`The last ${label}`}
            onClick={() => choose({ lastMs: ms })}
          >
            {key.replace(/(\d)([a-z])/, "$1 $2")}
          </Button>
        ))}
        <Button small kind="quiet" pressed={own} onClick={() => setOwn(!own)}>
          From – to
        </Button>
      </fieldset>
      <fieldset class="time-range">
        <legend class="unseen">Zoom and move</legend>
        <Step sign="←" label="Earlier" onClick={() => choose(moveBy(window, -MOVE, gatewayTime()))} />
        <Step
          sign="→"
          label="Later"
          blocked={fixed ? "" : "This view ends at the present and moves on with it"}
          onClick={() => choose(moveBy(window, MOVE, gatewayTime()))}
        />
        <Step sign="+" label="Closer" onClick={() => choose(zoomBy(window, ZOOM, gatewayTime()))} />
        <Step sign="−" label="Farther" onClick={() => choose(zoomBy(window, 1 / ZOOM, gatewayTime()))} />
      </fieldset>
      {fixed && (
        <span class="fixed-range">
          {instant(range.from, gatewayTime())} – {instant(range.to, gatewayTime())}
          <Button small kind="quiet" label="Leave the zoom" onClick={() => choose({ lastMs: leave.ms })}>
            ✕
          </Button>
        </span>
      )}
      {own && <FromTo used={used} onDone={() => setOwn(false)} />}
    </div>
  );
}

interface StepProps {
  readonly sign: string;
  readonly label: string;
  readonly blocked?: string;
  readonly onClick: () => void;
}

function Step({ sign, label, blocked, onClick }: StepProps) {
  return (
    <Button small kind="quiet" label={label} title={label} blocked={blocked} onClick={onClick}>
      {sign}
    </Button>
  );
}

/** Two instants, in the reader's own time. */
function FromTo({ used, onDone }: { readonly used: UsedWindow; readonly onDone: () => void }) {
  const now = rangeOf(used.window, gatewayTime());
  const [from, setFrom] = useState(localInput(now.from));
  const [to, setTo] = useState(localInput(now.to));
  const [error, setError] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    const [begin, end] = [Date.parse(from), Date.parse(to)];
    if (!(end > begin)) {
      setError("“To” has to be later than “From”.");
      return;
    }
    used.choose(zoomTo(begin, end));
    onDone();
  };
  return (
    <form class="from-to" onSubmit={submit}>
      <Field label="From">
        <input
          type="datetime-local"
          step="1"
          value={from}
          onInput={(event: Event) => setFrom((event.currentTarget as HTMLInputElement).value)}
        />
      </Field>
      <Field label="To" {...(error ? { error } : {})}>
        <input
          type="datetime-local"
          step="1"
          value={to}
          onInput={(event: Event) => setTo((event.currentTarget as HTMLInputElement).value)}
        />
      </Field>
      <Button small type="submit" kind="primary">
        Show
      </Button>
    </form>
  );
}

/** What <input type=datetime-local> wants: local, without a zone. */
function localInput(at: number): string {
  const date = new Date(at);
  return new Date(at - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

export interface ZoomKeysProps {
  readonly used: UsedWindow;
  /** What is in it. */
  readonly label: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}

/** Around pictures of time: + and - zoom, ← and → move, 0 leaves the zoom. */
export function ZoomKeys({ used, label, class: name = "", children }: ZoomKeysProps) {
  const keys = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget || event.altKey || event.ctrlKey || event.metaKey) return;
    const to = zoomedByKey(event.key, used);
    if (!to) return;
    event.preventDefault();
    used.choose(to);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields
    <div
      class={`zoomable ${name}`}
      role="group"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: its keys zoom, as its name says
      tabIndex={0}
      aria-label={`${label}. Plus and minus zoom, left and right arrow move in time.`}
      onKeyDown={keys}
    >
      {children}
    </div>
  );
}

/** What a key makes of a window; null = it is no key of ours. */
export function zoomedByKey(key: string, { window }: UsedWindow): UsedWindow["window"] | null {
  const now = gatewayTime();
  if (key === "+" || key === "=") return zoomBy(window, ZOOM, now);
  if (key === "-") return zoomBy(window, 1 / ZOOM, now);
  if (key === "ArrowLeft") return moveBy(window, -MOVE, now);
  if (key === "ArrowRight" && !("lastMs" in window)) return moveBy(window, MOVE, now);
  return null;
}
