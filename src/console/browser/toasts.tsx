// Short messages at the edge, read out as they appear. Errors stay until they are closed.
import { createStore, useStore } from "./store.ts";
import { Button } from "./ui/button.tsx";
import { Shape } from "./ui/shape.tsx";

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: "good" | "bad" | "info";
}

const STAY_MS = 6000;
const SHOWN_MAX = 4;

const toasts = createStore<readonly Toast[]>([]);
const spoken = createStore("");
let last = 0;

/** Shows a message for a while; an error stays. */
export function toast(text: string, tone: Toast["tone"] = "info"): void {
  const id = ++last;
  toasts.set([...toasts.get().slice(1 - SHOWN_MAX), { id, text, tone }]);
  if (tone !== "bad") window.setTimeout(() => drop(id), STAY_MS);
}

/** Says something to those who hear the page; nothing is shown. */
export function say(text: string): void {
  spoken.set("");
  window.setTimeout(() => spoken.set(text), 50);
}

/** Does something and shows its outcome; never rejects. Returns whether it went well. */
export async function doing(work: () => Promise<{ readonly ok: boolean; readonly said: string }>): Promise<boolean> {
  try {
    const { ok, said } = await work();
    toast(said, ok ? "good" : "bad");
    return ok;
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), "bad");
    return false;
  }
}

const drop = (id: number): void => toasts.set(toasts.get().filter((one) => one.id !== id));

/** Where they appear; once, in the shell. */
export function Toasts() {
  const shown = useStore(toasts, (value) => value);
  const words = useStore(spoken, (value) => value);
  return (
    <>
      <p class="unseen" role="status">
        {words}
      </p>
      <div class="toasts" aria-live="polite" aria-relevant="additions">
        {shown.map(({ id, text, tone }) => (
          <div key={id} class={`toast ${tone}`}>
            <Shape name={tone === "bad" ? "cross" : tone === "good" ? "star" : "ring"} tone={tone} />
            <p>{text}</p>
            <Button kind="quiet" small label="Close this message" onClick={() => drop(id)}>
              ✕
            </Button>
          </div>
        ))}
      </div>
    </>
  );
}
