// Explain: a pasted error, answered by the gateway itself (nothing leaves this machine), with the same words and look as
// on the pages of the reference. The markup comes from site/explain-view.ts, which escapes all that was pasted.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Explanation } from "../../../explain/explanation.ts";
import { explanationView, spokenAnswer } from "../../../site/explain-view.ts";
import { api } from "../api.ts";
import type { PageProps } from "../pages.ts";
import { say } from "../toasts.tsx";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { ErrorNote } from "../ui/notes.tsx";
import { Page } from "../ui/page.tsx";

const TYPING_MS = 350;
const CHARS_MAX = 48 * 1024;

export function ExplainPage(_props: PageProps) {
  // A link may bring its text: "/explain?text=…".
  const [text, setText] = useState(() => new URLSearchParams(location.search).get("text")?.slice(0, CHARS_MAX) ?? "");
  const [answer, setAnswer] = useState<Explanation | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const round = useRef(0);
  const timer = useRef(0);
  const stop = useRef<AbortController | null>(null);
  useEffect(
    () => () => {
      window.clearTimeout(timer.current);
      stop.current?.abort();
    },
    [],
  );

  const ask = async (value: string): Promise<void> => {
    round.current += 1;
    const own = round.current;
    stop.current?.abort();
    stop.current = new AbortController();
    setError(null);
    if (value.trim() === "") {
      setAnswer(null);
      return;
    }
    try {
      const found = (await api.explain(value, stop.current.signal)) as Explanation;
      if (own !== round.current) return;
      setAnswer(found);
      say(spokenAnswer(found));
    } catch (problem) {
      if (own === round.current) setError(problem instanceof Error ? problem : new Error(String(problem)));
    }
  };
  useEffect(() => {
    if (text !== "") void ask(text);
  }, []);
  const type = (value: string): void => {
    setText(value);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => void ask(value), TYPING_MS);
  };

  return (
    <Page
      title="Explain"
      lead={
        <>
          Paste a log line, an error page or a message; the answer comes from this gateway, nothing is sent elsewhere.
          All entries stand in <a href="/reference/">the reference</a>.
        </>
      }
    >
      <form
        class="explain-box"
        onSubmit={(event) => {
          event.preventDefault();
          window.clearTimeout(timer.current);
          void ask(text);
        }}
      >
        <Field label="Error text">
          <textarea
            rows={5}
            data-search
            spellcheck={false}
            autoComplete="off"
            autoCapitalize="off"
            maxLength={CHARS_MAX}
            value={text}
            onInput={(event: InputEvent) => type((event.currentTarget as HTMLTextAreaElement).value)}
          />
        </Field>
        <div>
          <Button kind="primary" type="submit">
            Explain
          </Button>
        </div>
      </form>
      {error && <ErrorNote error={error} again={() => void ask(text)} />}
      {answer && <Answer explanation={answer} />}
    </Page>
  );
}

/** Every entry that an explanation names is one of the reference; generated pages have none. */
const isEntry = (id: string): boolean => !id.startsWith("generated/");

function Answer({ explanation }: { readonly explanation: Explanation }) {
  const { markup } = explanationView(explanation, { root: "/reference/", level: 2, has: isEntry });
  const copy = async (event: MouseEvent): Promise<void> => {
    const button = event.target instanceof Element ? event.target.closest("button.copy") : null;
    const code = button?.closest("figure")?.querySelector("code");
    if (!button || !code) return;
    try {
      await navigator.clipboard.writeText(code.textContent ?? "");
      button.textContent = "Copied";
      say("Copied");
    } catch {
      // Forbidden here: the code is selected instead.
      getSelection()?.selectAllChildren(code);
    }
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the buttons within take keys; a press of one is a click
    <section
      class="explained"
      aria-label="Answer"
      onClick={(event) => void copy(event)}
      // Made by std/html.ts, which escapes what was pasted.
      dangerouslySetInnerHTML={{ __html: markup }}
    />
  );
}
