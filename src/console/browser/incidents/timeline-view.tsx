// The picture of time above the list: incidents as bars (a pattern and a shape for each severity, not colour alone),
// what happened as marks beneath. Dragging zooms; the arrows go from thing to thing, + and - zoom, Shift and an arrow
// moves in time. What is pointed at or focused is said in the line below, which has room for whole sentences.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Mark } from "../../../incidents/model.ts";
import type { IncidentRow } from "../../model.ts";
import { clock, clockShort, day, instant, lasting, plural } from "../format.ts";
import { gatewayTime } from "../live.ts";
import { zoomedByKey } from "../traffic/range-bar.tsx";
import type { UsedWindow } from "../traffic/use-window.ts";
import { zoomTo } from "../traffic/window.ts";
import { Shape } from "../ui/shape.tsx";
import { SEVERITY_LOOK } from "../ui/tone.ts";
import { SEVERITIES } from "./filters.ts";
import { MarkSign } from "./mark-sign.tsx";
import { timeTicks } from "./time-ticks.ts";
import {
  endOf,
  GROUP_NAMES,
  type MarkGroup,
  type TimelineBar,
  type TimelineLayout,
  type TimelineMark,
  timelineLayout,
} from "./timeline.ts";

export interface TimelineProps {
  readonly used: UsedWindow;
  readonly incidents: readonly IncidentRow[];
  readonly marks: readonly Mark[];
  /** Not all incidents of the range are drawn, only this many of the newest. */
  readonly cut: { readonly drawn: number; readonly total: number | null; readonly oldestAt: number } | null;
}

const LANE_PX = 18;
const LANES_MAX = 6;
const SMALL_PX = 8;
const DRAG_PX = 6;

/** What the line below says, as long as something is pointed at. */
type Said = string | null;

export function Timeline(props: TimelineProps) {
  const { used, incidents, marks, cut } = props;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [said, setSaid] = useState<Said>(null);
  const drag = useDrag(box, used);
  const now = gatewayTime();
  const layout = useMemo(
    () => timelineLayout(used.range, incidents, marks, { small: SMALL_PX / width, lanesMax: LANES_MAX, now }),
    [used.range, incidents, marks, width],
  );
  const lanes = Math.max(2, layout.lanes + (layout.more.length > 0 ? 1 : 0));
  const height = `${lanes * LANE_PX + 4}px`;
  return (
    <section class="timeline" aria-label="Incidents over time">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields */}
      <div
        class={`tl-plot${drag.marked ? " marking" : ""}`}
        ref={box}
        role="group"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: its keys go from thing to thing, as its name says
        tabIndex={0}
        aria-label={`${summary(layout, incidents.length)}. Left and right arrow go from one to the next, plus and minus zoom, Shift and an arrow moves in time.`}
        onKeyDown={(event) => onKey(event, box.current, used)}
        {...drag.handlers}
      >
        <Ticks used={used} width={width} />
        <div class="tl-lanes" style={{ height }}>
          {cut && <div class="tl-cut" style={{ width: percent(share(cut.oldestAt, used)) }} />}
          {layout.bars.map((bar) => (
            <IncidentBar key={bar.incident.id} bar={bar} now={now} onSay={setSaid} wasDrag={drag.wasDrag} />
          ))}
          {layout.more.map(({ from, to, count, severity }) => (
            <span
              key={from}
              class={`tl-more t-${SEVERITY_LOOK[severity].tone}`}
              style={{ left: percent(from), width: percent(to - from), top: `${LANES_MAX * LANE_PX}px` }}
              title={`${plural(count, "more incident")} here: zoom in`}
            >
              +{count}
            </span>
          ))}
        </div>
        <div class="tl-marks">
          {layout.marks.map((mark) => (
            <MarkButton key={mark.marks[0]!.id} mark={mark} now={now} onSay={setSaid} />
          ))}
        </div>
        {drag.marked && (
          <div
            class="tl-select"
            style={{ left: percent(drag.marked.from), width: percent(drag.marked.to - drag.marked.from) }}
          />
        )}
      </div>
      <p class="tl-said" aria-live="polite">
        {said ?? <Key layout={layout} />}
      </p>
      {cut && (
        <p class="hint">
          The newest {cut.drawn}
          {cut.total === null ? "" : ` of ${cut.total.toLocaleString("en-GB")}`} are drawn; the hatched time has older
          ones. Zoom in to see them.
        </p>
      )}
    </section>
  );
}

const percent = (value: number): string => `${(value * 100).toFixed(3)}%`;

function share(at: number, { range }: UsedWindow): number {
  return Math.min(1, Math.max(0, (at - range.from) / (range.to - range.from)));
}

function summary({ marks }: TimelineLayout, incidents: number): string {
  const happened = marks.reduce((sum, mark) => sum + mark.marks.length, 0);
  return `Timeline with ${plural(incidents, "incident")} and ${plural(happened, "mark")}`;
}

interface IncidentBarProps {
  readonly bar: TimelineBar;
  readonly now: number;
  readonly onSay: (said: Said) => void;
  readonly wasDrag: () => boolean;
}

function IncidentBar({ bar, now, onSay, wasDrag }: IncidentBarProps) {
  const { incident, from, to, lane, cutLeft, cutRight } = bar;
  const open = incident.closedAt === null;
  const { word } = SEVERITY_LOOK[incident.severity];
  const lasted = lasting(endOf(incident, now) - incident.openedAt);
  const words = `${word}${open ? ", open" : ""}, ${instant(incident.openedAt, now)}, ${lasted}: ${incident.short || incident.sentence}`;
  return (
    <a
      href={`/incidents/${encodeURIComponent(incident.id)}`}
      class={`tl-bar s-${incident.severity}${open ? " open" : ""}${cutLeft ? " cut-left" : ""}${cutRight ? " cut-right" : ""}`}
      style={{ left: percent(from), width: percent(to - from), top: `${lane * LANE_PX + 2}px` }}
      tabIndex={-1}
      draggable={false}
      title={words}
      data-thing
      data-at={from}
      onFocus={() => onSay(words)}
      onBlur={() => onSay(null)}
      onPointerEnter={() => onSay(words)}
      onPointerLeave={() => onSay(null)}
      onClick={(event) => {
        if (wasDrag()) event.preventDefault();
      }}
    >
      <span class="unseen">{words}</span>
    </a>
  );
}

interface MarkButtonProps {
  readonly mark: TimelineMark;
  readonly now: number;
  readonly onSay: (said: Said) => void;
}

function MarkButton({ mark, now, onSay }: MarkButtonProps) {
  const { at, group, marks } = mark;
  const words = marks.map((one) => `${instant(one.at, now)} ${one.text}${one.by ? ` (by ${one.by})` : ""}`).join(" · ");
  return (
    <button
      type="button"
      class={`tl-mark m-${group}`}
      style={{ left: `clamp(12px, ${percent(at)}, calc(100% - 12px))` }}
      tabIndex={-1}
      aria-label={marks.length > 1 ? `${marks.length} marks: ${words}` : words}
      title={marks.length > 6 ? `${marks.length} marks` : words}
      data-thing
      data-at={at}
      onFocus={() => onSay(words)}
      onBlur={() => onSay(null)}
      onPointerEnter={() => onSay(words)}
      onPointerLeave={() => onSay(null)}
      onClick={() => onSay(words)}
    >
      <MarkSign group={group} />
      {marks.length > 1 && <span class="tl-many">{marks.length}</span>}
    </button>
  );
}

/** Which signs stand for what, of those that are there. */
function Key({ layout }: { readonly layout: TimelineLayout }) {
  const severities = SEVERITIES.filter((severity) =>
    layout.bars.some(({ incident }) => incident.severity === severity),
  );
  const groups = (Object.keys(GROUP_NAMES) as MarkGroup[]).filter((group) =>
    layout.marks.some((mark) => mark.group === group),
  );
  if (severities.length + groups.length === 0) return <span>Nothing happened in this time.</span>;
  return (
    <span class="tl-key">
      {severities.map((severity) => (
        <span key={severity}>
          <span class={`tl-sample s-${severity}`} /> <Shape name={SEVERITY_LOOK[severity].shape} tone="quiet" />{" "}
          {SEVERITY_LOOK[severity].word}
        </span>
      ))}
      {groups.map((group) => (
        <span key={group}>
          <MarkSign group={group} /> {GROUP_NAMES[group]}
        </span>
      ))}
    </span>
  );
}

function Ticks({ used, width }: { readonly used: UsedWindow; readonly width: number }) {
  const { range } = used;
  const ticks = timeTicks(range, Math.max(2, Math.floor(width / 90)));
  return (
    <div class="tl-ticks" aria-hidden="true">
      {ticks.at.map((at) => (
        <span key={at} style={{ left: percent(share(at, used)) }}>
          {ticks.stepMs >= 86_400_000 || new Date(at).getHours() + new Date(at).getMinutes() === 0
            ? day(at)
            : ticks.stepMs < 60_000
              ? clock(at)
              : clockShort(at)}
        </span>
      ))}
    </div>
  );
}

function onKey(event: KeyboardEvent, box: HTMLElement | null, used: UsedWindow): void {
  if (!box || event.altKey || event.ctrlKey || event.metaKey) return;
  const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const isThing = event.target !== box;
  if (event.key === "Escape" && isThing) {
    box.focus();
    return;
  }
  if ((move === undefined || event.shiftKey) && event.key !== "Home" && event.key !== "End") {
    const to = zoomedByKey(event.key, used);
    if (!to) return;
    event.preventDefault();
    used.choose(to);
    return;
  }
  const things = [...box.querySelectorAll<HTMLElement>("[data-thing]")].sort(
    (one, other) => Number(one.dataset["at"]) - Number(other.dataset["at"]),
  );
  const at = isThing ? things.indexOf(event.target as HTMLElement) : -1;
  const next =
    event.key === "Home"
      ? things[0]
      : event.key === "End" || (move === -1 && at < 0)
        ? things[things.length - 1]
        : things[at + (move ?? 0)];
  event.preventDefault();
  next?.focus();
}

/** Marks a span with the pointer; a mark of a few pixels is a click. */
function useDrag(box: { readonly current: HTMLDivElement | null }, used: UsedWindow) {
  const [marked, setMarked] = useState<{ readonly from: number; readonly to: number } | null>(null);
  const state = useRef<{ begin: number; dragged: boolean; down: boolean }>({ begin: 0, dragged: false, down: false });
  const at = (event: PointerEvent): number => {
    const { left, width } = box.current!.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / Math.max(1, width)));
  };
  const end = (): void => {
    state.current.down = false;
    setMarked(null);
  };
  const handlers = {
    onPointerDown: (event: PointerEvent) => {
      // A finger scrolls the page; it has the buttons for zooming.
      if (event.button !== 0 || event.pointerType === "touch") return;
      state.current = { begin: at(event), dragged: false, down: true };
    },
    onPointerMove: (event: PointerEvent) => {
      const { begin, down, dragged } = state.current;
      if (!down) return;
      const to = at(event);
      const far = Math.abs(to - begin) * box.current!.clientWidth > DRAG_PX;
      if (!dragged && !far) return;
      if (!dragged) box.current!.setPointerCapture(event.pointerId);
      state.current.dragged = true;
      setMarked({ from: Math.min(begin, to), to: Math.max(begin, to) });
    },
    onPointerUp: (event: PointerEvent) => {
      const { begin, down, dragged } = state.current;
      end();
      if (!down || !dragged) return;
      const { from, to } = used.range;
      const instantAt = (share: number): number => from + share * (to - from);
      used.choose(zoomTo(instantAt(begin), instantAt(at(event))));
    },
    onPointerCancel: end,
  };
  return { marked, handlers, wasDrag: () => state.current.dragged };
}

/** Of the element, in pixels. */
function useWidth(box: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(800);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const watch = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.max(100, Math.round(entry.contentRect.width)));
    });
    watch.observe(element);
    return () => watch.disconnect();
  }, [box]);
  return width;
}
