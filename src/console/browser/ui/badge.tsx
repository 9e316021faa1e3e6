// A state in a word, with its shape and colour.
import type { ComponentChildren } from "preact";
import type { Severity } from "../../../incidents/model.ts";
import type { EndpointState } from "../../model.ts";
import { Shape } from "./shape.tsx";
import { SEVERITY_LOOK, type ShapeName, STATE_LOOK, type Tone } from "./tone.ts";

export interface BadgeProps {
  readonly tone: Tone;
  /** Absent = no shape: only where the word says all. */
  readonly shape?: ShapeName;
  readonly title?: string;
  readonly children: ComponentChildren;
}

export function Badge({ tone, shape, title, children }: BadgeProps) {
  return (
    <span class={`badge t-${tone}`} {...(title ? { title } : {})}>
      {shape && <Shape name={shape} tone={tone} />}
      <span>{children}</span>
    </span>
  );
}

/** The state of an endpoint. */
export function StateBadge({ state, title }: { readonly state: EndpointState; readonly title?: string }) {
  const { tone, shape, word, says } = STATE_LOOK[state];
  return (
    <Badge tone={tone} shape={shape} title={title ?? says}>
      {word}
    </Badge>
  );
}

/** The severity of an incident; a closed one is said to be so. */
export function SeverityBadge({ severity, open }: { readonly severity: Severity; readonly open: boolean }) {
  const { tone, shape, word, says } = SEVERITY_LOOK[severity];
  return (
    <Badge tone={open ? tone : "quiet"} shape={shape} title={says}>
      {word}
      {open ? "" : ", over"}
    </Badge>
  );
}
