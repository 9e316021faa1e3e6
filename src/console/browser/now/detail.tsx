// The box beside what is pointed at, with all that is known of it.
import { useEffect, useRef } from "preact/hooks";
import type { Now } from "../../model.ts";
import { endpointFacts, type Fact, rateFacts, routeFacts, upstreamFacts } from "./facts.ts";
import type { Pointed } from "./parts.tsx";

/** Everything known of what is pointed at. The parts' names say it to screen readers. */
export function Detail({
  pointed,
  now,
  width,
  height,
}: {
  readonly pointed: Pointed;
  readonly now: Now;
  readonly width: number;
  readonly height: number;
}) {
  const element = useRef<HTMLDivElement>(null);
  const found = factsOf(pointed.key, now);
  const { box } = pointed;
  const leftSide = box.x + box.width / 2 > width / 2;
  const low = box.y > height * 0.6;
  useEffect(() => {
    const style = element.current?.style;
    if (!style) return;
    style.left = leftSide ? "" : `${box.x + box.width + 8}px`;
    style.right = leftSide ? `${width - box.x + 8}px` : "";
    style.top = low ? "" : `${box.y}px`;
    style.bottom = low ? `${height - box.y - box.height}px` : "";
  }, [box, leftSide, low, width, height]);
  if (!found) return null;
  return (
    <div class="detail" ref={element} aria-hidden="true">
      <b>{found.title}</b>
      <dl>
        {found.facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function factsOf(key: string, now: Now): { readonly title: string; readonly facts: readonly Fact[] } | null {
  const [kind, rest] = [key.slice(0, 1), key.slice(2)];
  if (kind === "l") return { title: rest, facts: rateFacts(now.all) };
  if (kind === "r") {
    const route = now.routes.find(({ name, match }) => `${name} ${match}` === rest);
    return route ? { title: route.match, facts: routeFacts(route) } : null;
  }
  for (const upstream of now.upstreams) {
    if (kind === "u" && upstream.name === rest) return { title: upstream.name, facts: upstreamFacts(upstream, now.at) };
    const endpoint =
      kind === "e" ? upstream.endpoints.find(({ label }) => `${upstream.name} ${label}` === rest) : undefined;
    if (endpoint) return { title: endpoint.label, facts: endpointFacts(endpoint, now.at) };
  }
  return null;
}
