// The shapes that go with states: told apart without any colour, at 10 pixels. Drawn in a box of 12 by 12 around 0,0, so
// that the picture of Now can place them as they are.
import type { ShapeName, Tone } from "./tone.ts";

/** What is within the <svg>: for a picture of one's own. Coloured by class "t-TONE" of an element around it. */
export function ShapePath({ name }: { readonly name: ShapeName }) {
  switch (name) {
    case "disc":
      return <circle r="5" fill="currentColor" />;
    case "ring":
      return <circle r="4" fill="none" stroke="currentColor" stroke-width="2" />;
    case "half":
      return (
        <g>
          <circle r="4.2" fill="none" stroke="currentColor" stroke-width="1.6" />
          <path d="M0-4.5A4.5 4.5 0 0 1 0 4.5Z" fill="currentColor" />
        </g>
      );
    case "cross":
      return <path d="M-4-4 4 4M4-4-4 4" stroke="currentColor" stroke-width="2.6" stroke-linecap="round" />;
    case "diamond":
      return <path d="M0-6 6 0 0 6-6 0Z" fill="currentColor" />;
    case "triangle":
      return <path d="M0-5.5 5.8 4.8H-5.8Z" fill="currentColor" />;
    case "down":
      return <path d="M0 5.5 5.8-4.8H-5.8Z" fill="currentColor" />;
    case "bar":
      return <path d="M-5.5-1.8H5.5V1.8H-5.5Z" fill="currentColor" />;
    case "square":
      return <path d="M-4-4H4V4H-4Z" fill="none" stroke="currentColor" stroke-width="2" />;
    case "star":
      return (
        <path d="M-4.5 0-1.5 3.4 4.6-3.6" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" />
      );
  }
}

/** The shape by itself; a word must stand beside it. */
export function Shape({ name, tone }: { readonly name: ShapeName; readonly tone: Tone }) {
  return (
    <svg class={`shape t-${tone}`} viewBox="-6.5 -6.5 13 13" width="13" height="13" aria-hidden="true">
      <ShapePath name={name} />
    </svg>
  );
}
