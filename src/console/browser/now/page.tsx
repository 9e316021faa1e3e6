// What the gateway does at this moment: one sentence, five figures, and the path as a picture.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Now } from "../../model.ts";
import { ago, count, lasting, latency, percent, perSecond, size } from "../format.ts";
import { useNow } from "../live.ts";
import type { PageProps } from "../pages.ts";
import { useStore } from "../store.ts";
import { Loading, Note } from "../ui/notes.tsx";
import { Page } from "../ui/page.tsx";
import { Shape } from "../ui/shape.tsx";
import { Spark } from "../ui/spark.tsx";
import type { Tone } from "../ui/tone.ts";
import { stateOf } from "../verdict.ts";
import { history, SAMPLES_MAX, type Sample } from "./history.ts";
import { PathList, PathTable } from "./list.tsx";
import { Picture } from "./picture.tsx";

/** Below it boxes would hold no words. */
const PICTURE_MIN = 860;

export function NowPage(_props: PageProps) {
  const now = useNow();
  if (!now) {
    return (
      <Page title="Now">
        <Loading what="Waiting for the first figures" />
      </Page>
    );
  }
  return (
    <Page title="Now">
      <Verdict now={now} />
      {now.problems.map((problem) => (
        <Note key={problem} tone="warn">
          <p>{problem}</p>
        </Note>
      ))}
      <Tiles now={now} />
      <Path now={now} />
      <About now={now} />
    </Page>
  );
}

const CALM_MS = 5000;

function Verdict({ now }: { readonly now: Now }) {
  const { tone, shape, sentence, href } = stateOf(now);
  const worst = now.incidents[0];
  // An incident stays open until it has been quiet for a while: whoever looks wants to know that it is.
  const calm = worst && href?.endsWith(`/${worst.id}`) && now.at - worst.lastAt > CALM_MS;
  const others = now.openIncidents - (href?.startsWith("/incidents/") ? 1 : 0);
  return (
    <div class={`verdict-line ${tone}`}>
      <Shape name={shape} tone={tone} />
      <p>
        {sentence}
        {calm && !/[.!?]$/.test(sentence) && "."}
        {calm && <span class="soft"> The last failure was {ago(now.at - worst.lastAt)}.</span>}
        {now.openIncidents === 0 && tone === "good" && (
          <span class="soft"> {count(now.all.perSecond)} requests per second, no open incident.</span>
        )}
      </p>
      {href && <a href={href}>{href.startsWith("/incidents/") ? "What to do" : "Look closer"}</a>}
      {others > 0 && <a href="/incidents?state=open">{others} more open</a>}
    </div>
  );
}

function Tiles({ now: { all, gateway } }: { readonly now: Now }) {
  return (
    <ul class="tiles">
      <Tile title="Requests" value={perSecond(all.perSecond)} tone="info" pick={({ perSecond: rate }) => rate} />
      <Tile
        title="Errors shown"
        value={perSecond(all.shownPerSecond)}
        tone="bad"
        alarm={all.shownPerSecond > 0.005}
        pick={({ shown }) => shown}
      />
      <Tile title="Errors avoided" value={perSecond(all.savedPerSecond)} tone="good" pick={({ saved }) => saved} />
      <Tile title="95 % within" value={latency(all.p95Ms)} tone="info" pick={({ p95 }) => p95} />
      <Tile
        title="Connections"
        value={count(gateway.connections)}
        tone="info"
        pick={({ connections }) => connections}
      />
    </ul>
  );
}

interface TileProps {
  readonly title: string;
  readonly value: string;
  readonly tone: Tone;
  readonly alarm?: boolean;
  readonly pick: (sample: Sample) => number | null;
}

function Tile({ title, value, tone, alarm, pick }: TileProps) {
  const samples = useStore(history, (list) => list);
  const values = samples.map(pick).filter((value) => value !== null);
  return (
    <li class={`card tile${alarm ? " alarm" : ""}`}>
      <span class="tile-title">
        {alarm && <Shape name="triangle" tone="bad" />}
        {title}
      </span>
      <b>{value}</b>
      <Spark values={values} tone={tone} label="" kind="line" slots={SAMPLES_MAX} width={160} height={28} />
    </li>
  );
}

function Path({ now }: { readonly now: Now }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [table, setTable] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    setWidth(Math.floor(element.clientWidth));
    const resize = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    resize.observe(element);
    return () => resize.disconnect();
  }, []);
  return (
    <section aria-label="Path of requests">
      <div ref={box}>
        {width >= PICTURE_MIN ? <Picture now={now} width={width} /> : width > 0 && <PathList now={now} />}
      </div>
      {width >= PICTURE_MIN && <Legend />}
      <details class="as-table" onToggle={(event) => setTable(event.currentTarget.open)}>
        <summary>The path as a table</summary>
        {table && <PathTable now={now} />}
      </details>
    </section>
  );
}

function Legend() {
  return (
    <p class="picture-legend soft" aria-hidden="true">
      <span>
        <svg width="28" height="8" aria-hidden="true">
          <path class="way fine t-info" d="M0 4H28" stroke-width="3" />
        </svg>
        fine, width by rate
      </span>
      <span>
        <svg width="28" height="8" aria-hidden="true">
          <path class="way saved t-warn" d="M0 4H28" stroke-width="3" />
        </svg>
        errors kept from visitors
      </span>
      <span>
        <svg width="28" height="8" aria-hidden="true">
          <path class="way shown t-bad" d="M0 4H28" stroke-width="3" />
        </svg>
        errors
      </span>
      <span>
        <svg width="28" height="8" aria-hidden="true">
          <path class="way still t-quiet" d="M0 4H28" stroke-width="1.5" />
        </svg>
        no requests
      </span>
    </p>
  );
}

function About({ now: { at, gateway } }: { readonly now: Now }) {
  const { name, version, startedAt, processes, cpu, rssBytes, file } = gateway;
  return (
    <p class="soft about">
      {name}, Goodgate {version}, runs for {lasting(at - startedAt)} with{" "}
      {processes === 1 ? "one process" : `${processes} processes`}, {percent(cpu)} of a CPU, {size(rssBytes)}.{" "}
      {file ? "Its configuration is " : "It was told what to do by "}
      <a href="/config">{file ?? "the command line"}</a>.
    </p>
  );
}
