// The frame of a page: its title in the window and as the heading, which takes the focus after a navigation, so that
// keyboard and screen reader begin where the page begins.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { place } from "../router.tsx";
import { say } from "../toasts.tsx";

let focusedMoves = 0;

export interface PageProps {
  /** Of the window, and of the heading where `heading` is absent. */
  readonly title: string;
  readonly heading?: ComponentChildren;
  /** Beside the heading: filters, buttons. */
  readonly actions?: ComponentChildren;
  /** One sentence under the heading. */
  readonly lead?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Page({ title, heading, actions, lead, children }: PageProps) {
  const element = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Goodgate`;
  }, [title]);
  // Once for each page that appears.
  useEffect(() => {
    const { moves } = place.get();
    if (moves === focusedMoves) return;
    focusedMoves = moves;
    element.current?.focus({ preventScroll: true });
    say(title);
  }, []);
  return (
    <div class="page">
      <div class="page-head">
        <h1 ref={element} tabIndex={-1}>
          {heading ?? title}
        </h1>
        {actions && <div class="page-actions">{actions}</div>}
      </div>
      {lead && <p class="lead">{lead}</p>}
      {children}
    </div>
  );
}
