// The stream of the live tail: opened for a filter, opened again when it breaks, let go while nobody looks at the page.
// What comes is drawn once per frame at most, however many parts come between.
import { useEffect, useReducer, useRef } from "preact/hooks";
import type { TailFilter } from "../../../observe/report.ts";
import { type TailPart, tailAddress } from "../api.ts";
import { TailBuffer, type TailRow } from "./tail-buffer.ts";

export interface UsedTail {
  readonly rows: readonly TailRow[];
  readonly seen: number;
  readonly left: number;
  readonly heldBack: number;
  readonly connection: "connecting" | "open" | "broken";
  clear(): void;
}

const AGAIN_MS = 3000;

export function useTail(filter: TailFilter, holding: boolean): UsedTail {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const buffer = useRef<TailBuffer>(null as never);
  buffer.current ??= new TailBuffer();
  const connection = useRef<UsedTail["connection"]>("connecting");
  const frame = useRef(0);
  const soon = (): void => {
    if (frame.current !== 0) return;
    frame.current = requestAnimationFrame(() => {
      frame.current = 0;
      if (buffer.current.changed) draw(null as never);
    });
  };
  const address = tailAddress(filter);

  useEffect(() => {
    let source: EventSource | null = null;
    let retry = 0;
    const tell = (state: UsedTail["connection"]): void => {
      connection.current = state;
      draw(null as never);
    };
    const close = (): void => {
      window.clearTimeout(retry);
      source?.close();
      source = null;
    };
    const open = (): void => {
      close();
      const stream = new EventSource(address);
      source = stream;
      stream.addEventListener("open", () => tell("open"));
      stream.addEventListener("entries", (message) => {
        const { entries, left } = JSON.parse(String(message.data)) as TailPart;
        buffer.current.push(entries, left);
        soon();
      });
      stream.addEventListener("error", () => {
        tell("broken");
        // The browser tries again by itself after a cut, not after a refusal.
        if (stream.readyState === EventSource.CLOSED) retry = window.setTimeout(open, AGAIN_MS);
      });
    };
    const look = (): void => {
      if (document.hidden) close();
      else if (source === null) open();
    };
    buffer.current.clear();
    tell("connecting");
    open();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      close();
      cancelAnimationFrame(frame.current);
      frame.current = 0;
    };
  }, [address]);

  buffer.current.hold(holding);
  const rows = buffer.current.shown();
  const { seen, left, heldBack } = buffer.current;
  const clear = (): void => {
    buffer.current.clear();
    draw(null as never);
  };
  return { rows, seen, left, heldBack, connection: connection.current, clear };
}
