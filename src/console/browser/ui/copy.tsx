// Copies a text; says so. Where the browser forbids it (no secure context) the text is shown selected, to copy by hand.
import { useRef, useState } from "preact/hooks";
import { say } from "../toasts.tsx";
import { Button } from "./button.tsx";

const SHOWN_MS = 2000;

/** `text` may be a function: made when it is pressed. */
export function Copy({
  text,
  label = "Copy",
  title,
}: {
  readonly text: string | (() => string);
  readonly label?: string;
  readonly title?: string;
}) {
  const [done, setDone] = useState(false);
  const [byHand, setByHand] = useState<string | null>(null);
  const timer = useRef(0);
  const copy = async (): Promise<void> => {
    const value = typeof text === "function" ? text() : text;
    try {
      await navigator.clipboard.writeText(value);
      setDone(true);
      say("Copied");
      window.clearTimeout(timer.current);
      timer.current = window.setTimeout(() => setDone(false), SHOWN_MS);
    } catch {
      // Forbidden here: the box below has the text.
      setByHand(value);
    }
  };
  return (
    <span class="copy">
      <Button small {...(title ? { label: title } : {})} onClick={() => void copy()}>
        {done ? "Copied" : label}
      </Button>
      {byHand !== null && (
        <textarea
          class="copy-by-hand"
          readOnly
          aria-label="Press Control C to copy"
          value={byHand}
          ref={(box) => box?.select()}
          onBlur={() => setByHand(null)}
        />
      )}
    </span>
  );
}

/** Code to copy, with its language. */
export function Code({ code, language = "" }: { readonly code: string; readonly language?: string }) {
  return (
    <figure class="code">
      <figcaption>
        <span>{language}</span>
        <Copy text={code} title={language ? `Copy the ${language}` : "Copy"} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>
        <code>{code}</code>
      </pre>
    </figure>
  );
}
