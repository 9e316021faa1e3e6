// A labelled field: its hint and its error belong to it for screen readers too.
import { cloneElement, type VNode } from "preact";
import { useId } from "preact/hooks";

export interface FieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly error?: string;
  /** The label is for screen readers only. */
  readonly quiet?: boolean;
  /** One <input>, <select> or <textarea>. */
  readonly children: VNode<Record<string, unknown>>;
}

export function Field({ label, hint, error, quiet, children }: FieldProps) {
  const id = useId();
  const said = [hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label class={quiet ? "unseen" : ""} for={id}>
        {label}
      </label>
      {cloneElement(children, {
        id,
        ...(said ? { "aria-describedby": said } : {}),
        ...(error ? { "aria-invalid": "true" } : {}),
      })}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}
