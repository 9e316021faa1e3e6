import { useMemo, useState } from "preact/hooks";
import type { EndpointNow, Now, Rates } from "../../model.ts";
import { latency, perSecond } from "../format.ts";
import { ShapePath } from "../ui/shape.tsx";
import { type ShapeName, STATE_LOOK, type Tone } from "../ui/tone.ts";
import { Detail } from "./detail.tsx";
import {
  endpointHref,
  flowOf,
  routeFacts,
  spoken,
  stateCounts,
  troubles,
  upstreamFacts,
  upstreamHref,
} from "./facts.ts";
import { type Box, type Group, layOut } from "./layout.ts";
import { Part, type Point, type Pointed, Text, Way } from "./parts.tsx";

export function Picture({ now, width }: { readonly now: Now; readonly width: number }) {
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(new Set());
  const [pointed, setPointed] = useState<Pointed | null>(null);
  const layout = useMemo(() => layOut(now, width - 2, expanded), [now, width, expanded]);
  const widest = Math.max(1, now.all.perSecond);
  const toggle = (name: string): void => {
    const next = new Set(expanded);
    if (!next.delete(name)) next.add(name);
    setExpanded(next);
    setPointed(null);
  };
  const { bar, listeners, routes, groups, left } = layout;
  return (
    <div class="picture" onPointerLeave={() => setPointed(null)}>
      {/* biome-ignore lint/a11y/useSemanticElements: a group of links within SVG */}
      <svg
        viewBox={`-1 0 ${width} ${layout.height}`}
        width={width}
        height={layout.height}
        role="group"
        aria-label="The path of requests"
      >
        <g class="ways">
          {listeners.map(({ label, box }) => (
            <Way key={label} from={box} to={bar} rates={spread(now.all, listeners.length)} widest={widest} aim={box} />
          ))}
          {routes.map(({ route, box, group }) => (
            <g key={route.name + route.match}>
              <Way from={bar} to={box} rates={route.rates} widest={widest} aim={box} />
              {group && <Way from={box} to={group.box} rates={route.rates} widest={widest} />}
            </g>
          ))}
          {groups.map((group) => (
            <GroupWays key={group.upstream.name} group={group} widest={widest} />
          ))}
        </g>
        <rect class="bar" x={bar.x} y={bar.y} width={bar.width} height={bar.height} rx="5" />
        {listeners.map(({ label, tls, box }) => (
          <Part
            key={label}
            box={box}
            href="/traffic"
            name={`Listener ${label}${tls ? ", TLS" : ""}`}
            id={`l ${label}`}
            onPoint={setPointed}
          >
            <Text x={10} y={23} width={box.width - (tls ? 42 : 16)} strong>
              {label}
            </Text>
            {tls && (
              <text class="small soft" x={box.width - 8} y={23} text-anchor="end">
                TLS
              </text>
            )}
          </Part>
        ))}
        {routes.map(({ route, box }) => (
          <Part
            key={route.name + route.match}
            box={box}
            href={`/traffic?kind=route&name=${encodeURIComponent(route.name)}`}
            name={spoken(`Route ${route.name}`, routeFacts(route))}
            id={`r ${route.name} ${route.match}`}
            onPoint={setPointed}
          >
            <Text x={10} y={20} width={box.width - 20} strong>
              {route.match}
            </Text>
            <Text x={10} y={38} width={box.width - 20}>
              {figures(route.rates, route.upstream === null ? route.action : "")}
            </Text>
          </Part>
        ))}
        {left && (
          <text class="soft" x={left.box.x} y={left.box.y + 16}>
            and {left.count} more routes
          </text>
        )}
        {groups.map((group) => (
          <GroupParts
            key={group.upstream.name}
            group={group}
            now={now}
            onPoint={setPointed}
            onToggle={() => toggle(group.upstream.name)}
          />
        ))}
      </svg>
      {pointed && <Detail pointed={pointed} now={now} width={width} height={layout.height} />}
    </div>
  );
}

const spread = (rates: Rates, over: number): Rates => ({
  ...rates,
  perSecond: rates.perSecond / over,
  shownPerSecond: 0,
  savedPerSecond: 0,
});

/** `errors` = what shown ones are called: of an endpoint they are attempts that failed. */
const figures = (rates: Rates, before = "", errors = "errors"): string => {
  const words = before === "" ? [] : [before];
  words.push(perSecond(rates.perSecond));
  if (rates.shownPerSecond > 0.005) words.push(`${perSecond(rates.shownPerSecond)} ${errors}`);
  else if (rates.savedPerSecond > 0.005) words.push(`${perSecond(rates.savedPerSecond)} avoided`);
  if (rates.p95Ms !== null) words.push(`p95 ${latency(rates.p95Ms)}`);
  return words.join(" · ");
};

function GroupWays({
  group: { box, members, summary, upstream },
  widest,
}: {
  readonly group: Group;
  readonly widest: number;
}) {
  return (
    <g>
      {summary && <Way from={box} to={summary.box} rates={upstream.rates} widest={widest} />}
      {members.map(({ endpoint, box: to }) => (
        <Way key={endpoint.label} from={box} to={to} rates={endpoint.rates} widest={widest} />
      ))}
    </g>
  );
}

interface GroupPartsProps {
  readonly group: Group;
  readonly now: Now;
  readonly onPoint: Point;
  readonly onToggle: () => void;
}

function GroupParts({ group: { box, members, summary, upstream }, now, onPoint, onToggle }: GroupPartsProps) {
  const trouble = troubles(upstream, now.at);
  const worst = stateCounts(upstream.endpoints)[0];
  const away = upstream.awaySince !== null;
  const look = lookOf(away, worst?.state ?? "down");
  const well = upstream.endpoints.filter(({ state }) => state === "ok").length;
  return (
    <g>
      <Part
        box={box}
        href={upstreamHref(upstream.name)}
        name={spoken(`Upstream ${upstream.name}`, upstreamFacts(upstream, now.at))}
        id={`u ${upstream.name}`}
        onPoint={onPoint}
        tone={away ? "bad" : flowOf(upstream.rates) === "shown" ? "bad" : ""}
      >
        <g class={`t-${look.tone}`} transform="translate(18 20)">
          <ShapePath name={look.shape} />
        </g>
        <Text x={32} y={25} width={box.width * 0.55 - 32} strong>
          {upstream.name}
        </Text>
        <text class="small soft" x={box.width - 10} y={25} text-anchor="end">
          {well} of {upstream.endpoints.length} ok
        </text>
        <Text x={12} y={48} width={box.width - 24}>
          {figures(upstream.rates)}
        </Text>
        <Text x={12} y={70} width={box.width - 24} class={trouble.length > 0 ? "t-bad fill" : "soft"}>
          {trouble.length > 0 ? trouble.join(" · ") : `${upstream.inFlight} in flight · ${upstream.balance}`}
        </Text>
      </Part>
      {summary && (
        <Summary
          box={summary.box}
          expanded={summary.expanded}
          upstream={upstream.name}
          endpoints={upstream.endpoints}
          onToggle={onToggle}
        />
      )}
      {members.map(({ endpoint, box: own }) => (
        <Member key={endpoint.label} endpoint={endpoint} box={own} upstream={upstream.name} onPoint={onPoint} />
      ))}
    </g>
  );
}

/** Of an upstream: away, with members that are out, or whole. */
function lookOf(away: boolean, worst: EndpointNow["state"]): { readonly tone: Tone; readonly shape: ShapeName } {
  if (away) return STATE_LOOK.gone;
  return STATE_LOOK[worst].tone === "bad" ? { tone: "warn", shape: "triangle" } : STATE_LOOK.ok;
}

interface MemberProps {
  readonly endpoint: EndpointNow;
  readonly box: Box;
  readonly upstream: string;
  readonly onPoint: Point;
}

function Member({ endpoint, box, upstream, onPoint }: MemberProps) {
  const { label, state, backup, why } = endpoint;
  const { tone, shape, word } = STATE_LOOK[state];
  const said = `${word} · ${figures(endpoint.rates, "", "failed")}`;
  const href = endpointHref(upstream, endpoint);
  const { x, y, width, height } = box;
  // Drawn anew only where it says something else: hundreds of members stand still in most seconds.
  return useMemo(
    () => (
      <Part
        box={{ x, y, width, height }}
        href={href}
        name={`Endpoint of ${upstream}${why === "" ? "" : `: ${why}`}`}
        id={`e ${upstream} ${label}`}
        onPoint={onPoint}
        tone={tone === "bad" ? "bad" : ""}
      >
        <g class={`t-${tone}`} transform="translate(15 20)">
          <ShapePath name={shape} />
        </g>
        <Text x={30} y={17} width={width - 36} strong>
          {`${label}${backup ? " · backup" : ""}`}
        </Text>
        <Text x={30} y={33} width={width - 36} class={tone === "bad" ? "t-bad fill" : "soft"}>
          {said}
        </Text>
      </Part>
    ),
    [x, y, width, height, href, upstream, why, label, onPoint, tone, shape, backup, said],
  );
}

interface SummaryProps {
  readonly box: Box;
  readonly expanded: boolean;
  readonly upstream: string;
  readonly endpoints: readonly EndpointNow[];
  readonly onToggle: () => void;
}

/** Counts by state, and the button for the rest. */
function Summary({ box, expanded, upstream, endpoints, onToggle }: SummaryProps) {
  const counts = stateCounts(endpoints);
  const words = counts.map(({ state, count }) => `${count} ${STATE_LOOK[state].word}`).join(", ");
  let x = 12;
  return (
    // biome-ignore lint/a11y/useSemanticElements: an HTML button cannot stand within SVG
    <g
      class="part summary"
      transform={`translate(${box.x} ${box.y})`}
      role="button"
      tabIndex={0}
      aria-expanded={expanded}
      data-part={`s ${upstream}`}
      aria-description={`${expanded ? "Shows only the worst" : "Shows all"} of ${upstream}: ${words}`}
      onClick={onToggle}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        onToggle();
      }}
    >
      <g>
        <rect width={box.width} height={box.height} rx="6" />
        {counts.map(({ state, count }) => {
          const at = x;
          x += 30 + String(count).length * 8;
          return at > box.width - 96 ? null : (
            <g key={state} transform={`translate(${at} 18)`}>
              <g class={`t-${STATE_LOOK[state].tone}`} transform="translate(5 0)">
                <ShapePath name={STATE_LOOK[state].shape} />
              </g>
              <text x="15" y="5">
                {count}
              </text>
            </g>
          );
        })}
        <text class="link" x={box.width - 10} y={23} text-anchor="end">
          {expanded ? "worst only" : `all ${endpoints.length}`}
        </text>
      </g>
    </g>
  );
}
