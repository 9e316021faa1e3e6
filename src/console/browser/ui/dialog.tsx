// A dialog over the page: the browser's own <dialog>, which keeps the focus inside, makes the rest inert, closes on Esc
// and gives the focus back to where it was.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Button } from "./button.tsx";
import { ErrorNote } from "./notes.tsx";

export interface DialogProps {
  readonly title: string;
  /** Esc, the cross, or a click beside it. */
  readonly onClose: () => void;
  /** Buttons at the end. */
  readonly actions?: ComponentChildren;
  readonly wide?: boolean;
  readonly children: ComponentChildren;
}

export function Dialog({ title, onClose, actions, wide, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc does what a click beside it does
    <dialog
      ref={element}
      class={wide ? "dialog wide" : "dialog"}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === element.current) onClose();
      }}
    >
      <div class="dialog-inner">
        <header>
          <h2 id={id}>{title}</h2>
          <Button kind="quiet" label="Close" onClick={onClose}>
            ✕
          </Button>
        </header>
        <div class="dialog-body">{children}</div>
        {actions && <footer>{actions}</footer>}
      </div>
    </dialog>
  );
}

export interface ConfirmProps {
  readonly title: string;
  /** What will happen. */
  readonly children: ComponentChildren;
  /** The verb on the button. */
  readonly verb: string;
  readonly danger?: boolean;
  readonly onClose: () => void;
  /** The dialog closes when it resolves, and shows the error when it rejects. */
  readonly onDo: () => Promise<void>;
}

/** Asks before something is done. */
export function Confirm({ title, children, verb, danger, onClose, onDo }: ConfirmProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const run = (): void => {
    setBusy(true);
    setError(null);
    onDo().then(onClose, (problem: unknown) => {
      setBusy(false);
      setError(problem instanceof Error ? problem : new Error(String(problem)));
    });
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind={danger ? "danger" : "primary"} busy={busy} onClick={run}>
            {verb}
          </Button>
        </>
      }
    >
      {children}
      {error && <ErrorNote error={error} />}
    </Dialog>
  );
}
