// Taking an incident elsewhere: as Markdown (the console writes it, so that the terminal's and the page's are one), as a
// link. Where the browser forbids the clipboard the text is shown, selected.
import { useRef, useState } from "preact/hooks";
import { api } from "../api.ts";
import { say, toast } from "../toasts.tsx";
import { Button } from "../ui/button.tsx";
import { Copy } from "../ui/copy.tsx";
import { Dialog } from "../ui/dialog.tsx";

const SHOWN_MS = 2000;

export function CopyMarkdown({ id }: { readonly id: string }) {
  const [state, setState] = useState<"" | "busy" | "done">("");
  const [byHand, setByHand] = useState<string | null>(null);
  const timer = useRef(0);
  const copy = async (): Promise<void> => {
    setState("busy");
    let text: string;
    try {
      text = await api.incidentMarkdown(id);
    } catch (problem) {
      setState("");
      toast(problem instanceof Error ? problem.message : String(problem), "bad");
      return;
    }
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Forbidden here, or the page lost its turn while it asked: the dialog has the text.
      setState("");
      setByHand(text);
      return;
    }
    setState("done");
    say("Copied as Markdown");
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setState(""), SHOWN_MS);
  };
  return (
    <>
      <Button small busy={state === "busy"} onClick={() => void copy()}>
        {state === "done" ? "Copied" : "Copy as Markdown"}
      </Button>
      {byHand !== null && (
        <Dialog title="The incident as Markdown" wide onClose={() => setByHand(null)}>
          <textarea readOnly rows={16} aria-label="Markdown, press Control C to copy" value={byHand} ref={selectAll} />
        </Dialog>
      )}
    </>
  );
}

const selectAll = (box: HTMLTextAreaElement | null): void => box?.select();

/** A link that shows the same to somebody else. */
export function CopyLink({ path, label = "Copy link" }: { readonly path: string; readonly label?: string }) {
  return <Copy text={() => new URL(path, location.origin).href} label={label} title={label} />;
}
