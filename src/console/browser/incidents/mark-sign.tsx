// The signs of what happened, told apart by their form: deploys point up, what became worse points down.

import { Shape } from "../ui/shape.tsx";
import type { ShapeName, Tone } from "../ui/tone.ts";
import type { MarkGroup } from "./timeline.ts";

const SIGNS: Readonly<Record<MarkGroup, readonly [ShapeName, Tone]>> = {
  deploy: ["triangle", "info"],
  reload: ["square", "info"],
  start: ["disc", "info"],
  action: ["diamond", "info"],
  worse: ["down", "bad"],
  better: ["star", "good"],
};

export function MarkSign({ group }: { readonly group: MarkGroup }) {
  const [shape, tone] = SIGNS[group];
  return <Shape name={shape} tone={tone} />;
}
