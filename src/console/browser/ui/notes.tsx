// What stands where something is missing: nothing there yet, still loading, or an error with what to do.
import type { ComponentChildren } from "preact";
import { Button } from "./button.tsx";
import { Shape } from "./shape.tsx";

/** Nothing to show: say why, and where to go. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** What went wrong in asking; `again` offers another try. */
export function ErrorNote({ error, again }: { readonly error: Error; readonly again?: () => void }) {
  return (
    <div class="note bad" role="alert">
      <Shape name="cross" tone="bad" />
      <p>{error.message}</p>
      {again && (
        <Button small onClick={again}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** A remark within a page. */
export function Note({
  tone = "info",
  children,
}: {
  readonly tone?: "info" | "warn" | "bad" | "good";
  readonly children: ComponentChildren;
}) {
  const shape = tone === "bad" ? "cross" : tone === "warn" ? "triangle" : tone === "good" ? "star" : "ring";
  return (
    <div class={`note ${tone}`}>
      <Shape name={shape} tone={tone} />
      <div>{children}</div>
    </div>
  );
}

/** While the first answer is awaited. */
export function Loading({ what = "Loading" }: { readonly what?: string }) {
  return (
    <p class="loading" role="status">
      {what}…
    </p>
  );
}
