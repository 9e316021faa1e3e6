// The live tail: requests as they end, newest first, at most 500 of them. It stands still while it is paused, while
// somebody has scrolled down, and while the focus is on a line, so that a line can be read and pressed. Only the lines
// in sight are in the document.
/* biome-ignore-all lint/a11y/useFocusableInteractive: this is a table to read, not a grid */
/* biome-ignore-all lint/a11y/useSemanticElements: rows stand where their number says, which a <table> cannot do */
import { useEffect, useRef, useState } from "preact/hooks";
import type { TailEntry } from "../../../observe/report.ts";
import { ApiError, api } from "../api.ts";
import { clock, count, plural, size, span } from "../format.ts";
import { Redacted } from "../incidents/redacted.tsx";
import { useKeys } from "../keys.ts";
import { gatewayTime } from "../live.ts";
import { navigate, useQuery } from "../router.tsx";
import { toast } from "../toasts.tsx";
import { Button } from "../ui/button.tsx";
import { Shape } from "../ui/shape.tsx";
import type { ShapeName, Tone } from "../ui/tone.ts";
import { type Slice, type TailRow, visibleSlice } from "./tail-buffer.ts";
import { readTailFilter } from "./tail-filter.ts";
import { TailFilterBar } from "./tail-filter-bar.tsx";
import { type UsedTail, useTail } from "./use-tail.ts";

const ROW_PX = 32;
const ROW_NARROW_PX = 56;
const BEYOND = 8;
/** A failure is written a moment after its line was sent. */
const WRITTEN_MS = 1500;
const FRESH_MS = 15_000;

export function Tail() {
  const [params] = useQuery();
  const filter = readTailFilter(params);
  const [paused, setPaused] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const narrow = useNarrow();
  const rowHeight = narrow ? ROW_NARROW_PX : ROW_PX;
  const [reading, setReading] = useState(false);
  const tail = useTail(filter, paused || reading);
  const slice = useSlice(box, tail.rows.length, rowHeight, setReading);
  useKeys({ p: () => setPaused(!paused) });
  const follow = (): void => {
    setPaused(false);
    setReading(false);
    if (document.activeElement instanceof HTMLElement && box.current?.contains(document.activeElement)) {
      box.current.focus();
    }
    box.current?.scrollTo({ top: 0 });
  };
  return (
    <div class="tail">
      <TailFilterBar filter={filter} />
      <div class="tail-bar">
        <Button small pressed={paused} onClick={() => setPaused(!paused)} title="Key: p">
          {paused ? "Paused" : "Pause"}
        </Button>
        <Button small kind="quiet" onClick={tail.clear}>
          Clear
        </Button>
        {tail.heldBack > 0 && (
          <Button small kind="primary" onClick={follow}>
            {count(tail.heldBack)} newer: show
          </Button>
        )}
        <TailState tail={tail} reading={reading} paused={paused} />
      </div>
      <div class="tail-head" aria-hidden="true">
        <span>Time</span>
        <span>Status</span>
        <span>Request</span>
        <span>Took</span>
        <span>Endpoint</span>
        <span>Outcome</span>
      </div>
      <div
        class="tail-box"
        ref={box}
        role="table"
        aria-label="Requests, newest first"
        aria-rowcount={tail.rows.length}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        onFocusIn={(event) => setReading(event.target !== box.current)}
        onFocusOut={(event) => {
          const to = event.relatedTarget;
          if (!(to instanceof Node && box.current?.contains(to))) setReading((box.current?.scrollTop ?? 0) > rowHeight);
        }}
      >
        {tail.rows.length === 0 && (
          <div role="row">
            <p role="cell" class="tail-nothing">
              {tail.connection === "open" ? "Nothing has come through this filter yet." : "Connecting…"}
            </p>
          </div>
        )}
        <Rows rows={tail.rows} slice={slice} rowHeight={rowHeight} />
      </div>
    </div>
  );
}

interface RowsProps {
  readonly rows: readonly TailRow[];
  readonly slice: Slice;
  readonly rowHeight: number;
}

function Rows({ rows, slice, rowHeight }: RowsProps) {
  const shown = rows.slice(slice.first, slice.first + slice.count);
  return (
    <div role="rowgroup" class="tail-rows" style={{ height: `${rows.length * rowHeight}px` }}>
      {shown.map(({ key, entry }, index) => (
        <Line
          key={key}
          entry={entry}
          number={slice.first + index + 1}
          top={(slice.first + index) * rowHeight}
          height={rowHeight}
        />
      ))}
    </div>
  );
}

interface LineProps {
  readonly entry: TailEntry;
  readonly number: number;
  readonly top: number;
  readonly height: number;
}

function Line({ entry, number, top, height }: LineProps) {
  const { at, method, host, target, status, durationMs, endpoint, upstream, attempts, bytesSent } = entry;
  const [shape, tone, words] = lookOf(entry);
  const request = (
    <code>
      <b>{method}</b> <span class="soft">{host}</span>
      <Redacted text={target} />
    </code>
  );
  return (
    <div
      role="row"
      aria-rowindex={number}
      class={`tail-row t-row-${tone}`}
      style={{ top: `${top}px`, height: `${height}px` }}
    >
      <span role="cell">{clock(at)}</span>
      <span role="cell" class={`tail-status t-${tone}`}>
        <Shape name={shape} tone={tone} />
        {status > 0 ? status : "none"}
      </span>
      <span role="cell" class="tail-request">
        {entry.cause === null ? (
          request
        ) : (
          <button type="button" class="tail-open" title="Show this failure" onClick={() => void openFailure(entry)}>
            {request}
          </button>
        )}
      </span>
      <span role="cell" class="number">
        {span(durationMs)}
      </span>
      <span role="cell" class="tail-endpoint" title={`${upstream} ${endpoint}, ${size(bytesSent)} sent`}>
        {endpoint || upstream || "–"}
        {attempts > 1 && <span class="soft"> ×{attempts}</span>}
      </span>
      <span role="cell" class="tail-outcome">
        {words}
      </span>
    </div>
  );
}

function lookOf({ outcome, cause, savedBy, status }: TailEntry): readonly [ShapeName, Tone, string] {
  const named = cause === null ? "" : `: ${cause}`;
  if (outcome === "saved") return ["star", "good", `saved${savedBy ? ` by ${savedBy}` : ""}${named}`];
  if (outcome === "shown") return ["cross", "bad", `shown${named}`];
  if (outcome === "cut") return ["bar", "bad", `cut short${named}`];
  if (outcome === "client-left") return ["ring", "quiet", "client left"];
  if (outcome === "passed") return ["triangle", "warn", `passed on${named}`];
  return status >= 500 ? ["triangle", "warn", ""] : status >= 400 ? ["ring", "quiet", ""] : ["disc", "good", ""];
}

/** Its evidence, where it was kept: found by the id of the request. */
async function openFailure({ requestId, at, cause }: TailEntry): Promise<void> {
  const find = () => api.failure(requestId);
  try {
    const failure = await find().catch(async (problem: unknown) => {
      const fresh = problem instanceof ApiError && problem.status === 404 && gatewayTime() - at < FRESH_MS;
      if (!fresh) throw problem;
      await new Promise((resolve) => setTimeout(resolve, WRITTEN_MS));
      return find();
    });
    navigate(`/incidents/${encodeURIComponent(failure.incident)}?failure=${encodeURIComponent(failure.id)}`);
  } catch (problem) {
    if (problem instanceof ApiError && problem.status === 404) {
      toast("This failure was not kept whole: of many alike a fair choice is. Here are the incidents of its cause.");
      navigate(`/incidents?cause=${encodeURIComponent(cause ?? "")}`);
      return;
    }
    toast(problem instanceof Error ? problem.message : String(problem), "bad");
  }
}

interface TailStateProps {
  readonly tail: UsedTail;
  readonly reading: boolean;
  readonly paused: boolean;
}

function TailState({ tail, reading, paused }: TailStateProps) {
  const { seen, left, connection } = tail;
  return (
    <span class="tail-state soft">
      {connection === "broken" && "The stream is broken; trying again. "}
      {plural(seen, "request")} came
      {left > 0 && <span title="The gateway left them out: more came than can be read"> · {count(left)} left out</span>}
      {reading && !paused && " · stands still while you read"}
    </span>
  );
}

/** Which rows are in sight; tells when somebody has scrolled away from the newest. */
function useSlice(
  box: { readonly current: HTMLDivElement | null },
  rows: number,
  rowHeight: number,
  onReading: (reading: boolean) => void,
): Slice {
  const [view, setView] = useState({ top: 0, height: 600 });
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = (): void => {
      const { scrollTop, clientHeight } = element;
      // Whole rows: scrolling within one draws nothing anew.
      setView((before) => {
        const top = Math.floor(scrollTop / rowHeight) * rowHeight;
        return before.top === top && before.height === clientHeight ? before : { top, height: clientHeight };
      });
    };
    const scrolled = (): void => {
      look();
      const inside = element.contains(document.activeElement) && document.activeElement !== element;
      onReading(element.scrollTop > rowHeight || inside);
    };
    look();
    const watch = new ResizeObserver(look);
    watch.observe(element);
    element.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      watch.disconnect();
      element.removeEventListener("scroll", scrolled);
    };
  }, [box, rowHeight]);
  return visibleSlice(rows, { ...view, rowHeight, beyond: BEYOND });
}

/** Two lines per row where there is no room for one. */
function useNarrow(): boolean {
  const query = "(max-width: 760px)";
  const [narrow, setNarrow] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const watched = matchMedia(query);
    const look = (): void => setNarrow(watched.matches);
    watched.addEventListener("change", look);
    return () => watched.removeEventListener("change", look);
  }, []);
  return narrow;
}
