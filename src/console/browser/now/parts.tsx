// What the picture is made of: a part (a box that is a link), a line of text, a way between two boxes.
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { Rates } from "../../model.ts";
import { FLOW_TONE, flowOf } from "./facts.ts";
import type { Box } from "./layout.ts";

/** What is pointed at: "u NAME", "e UPSTREAM ENDPOINT", "r NAME MATCH", "l LABEL". */
export interface Pointed {
  readonly key: string;
  readonly box: Box;
}

export type Point = (pointed: Pointed | null) => void;

interface PartProps {
  readonly box: Box;
  readonly href: string;
  /** All that is known, for screen readers: its name is the text that it shows. */
  readonly name: string;
  readonly id: string;
  readonly onPoint: Point;
  readonly tone?: "bad" | "";
  readonly children: ComponentChildren;
}

export function Part({ box, href, name, id, onPoint, tone = "", children }: PartProps) {
  const point = (): void => onPoint({ key: id, box });
  return (
    <g transform={`translate(${round(box.x)} ${round(box.y)})`}>
      <a
        class={`part ${tone}`}
        href={href}
        data-part={id}
        aria-description={name}
        onPointerEnter={point}
        onPointerLeave={() => onPoint(null)}
        onFocus={point}
        onBlur={() => onPoint(null)}
      >
        <rect width={round(box.width)} height={box.height} rx="6" />
        {children}
      </a>
    </g>
  );
}

interface TextProps {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly strong?: boolean;
  readonly class?: string;
  readonly children: string;
}

/** About what a character takes at 13 pixels: SVG cannot cut text by itself, and measuring costs a layout. */
const CHARACTER = 6.9;

export function Text({ x, y, width, strong, class: name = "", children }: TextProps) {
  const room = Math.max(3, Math.floor(width / (strong ? CHARACTER * 1.06 : CHARACTER * 0.95)));
  const text = children.length > room ? `${children.slice(0, room - 1)}…` : children;
  return (
    <text class={`${strong ? "strong" : "small"} ${name}`} x={x} y={y}>
      {text}
    </text>
  );
}

interface WayProps {
  readonly from: Box;
  readonly to: Box;
  readonly rates: Rates;
  readonly widest: number;
  /** Whose middle the bar is left at. */
  readonly aim?: Box;
}

export function Way({ from, to, rates, widest, aim }: WayProps) {
  const flow = flowOf(rates);
  const wide = flow === "still" ? 1 : 1.5 + 8.5 * Math.sqrt(Math.min(1, rates.perSecond / widest));
  const x1 = from.x + from.width;
  const y1 = aim && from.width === 10 ? aim.y + aim.height / 2 : from.y + from.height / 2;
  const x2 = to.x;
  const y2 = aim && to.width === 10 ? aim.y + aim.height / 2 : to.y + to.height / 2;
  const bend = (x2 - x1) / 2;
  const path = `M${round(x1)} ${round(y1)}C${round(x1 + bend)} ${round(y1)} ${round(x2 - bend)} ${round(y2)} ${round(x2)} ${round(y2)}`;
  const stroke = Math.round(wide * 2) / 2;
  return useMemo(
    () => <path class={`way ${flow} t-${FLOW_TONE[flow]}`} d={path} stroke-width={stroke} />,
    [flow, path, stroke],
  );
}

const round = (value: number): number => Math.round(value * 10) / 10;
