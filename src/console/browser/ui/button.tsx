// Buttons. A disabled one says why in `title`, and stays reachable by keyboard (aria-disabled), so that it can be read.
import type { ComponentChildren } from "preact";
import { useAdmin } from "../session.ts";

export interface ButtonProps {
  readonly kind?: "plain" | "primary" | "danger" | "quiet";
  readonly onClick?: (event: MouseEvent) => void;
  /** Why it cannot be pressed; "" or absent = it can. */
  readonly blocked?: string | undefined;
  /** It works on something: a second press does nothing. */
  readonly busy?: boolean;
  readonly title?: string;
  /** The name for screen readers, where the text alone does not say it ("Drain" of which?). */
  readonly label?: string;
  readonly small?: boolean;
  readonly type?: "button" | "submit";
  readonly pressed?: boolean;
  readonly children: ComponentChildren;
}

export function Button(props: ButtonProps) {
  const { kind = "plain", onClick, blocked = "", busy = false, title, label, small, type = "button", pressed } = props;
  const off = blocked !== "" || busy;
  return (
    <button
      type={type}
      class={`button ${kind}${small ? " small" : ""}${busy ? " busy" : ""}`}
      {...(off ? { "aria-disabled": "true" as const } : {})}
      {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
      {...(label ? { "aria-label": label } : {})}
      title={blocked !== "" ? blocked : (title ?? undefined)}
      onClick={(event) => {
        if (off) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {props.children}
    </button>
  );
}

/** A button that changes something: for readers it is off and says so. */
export function ActionButton(props: ButtonProps) {
  const admin = useAdmin();
  return <Button {...props} blocked={admin ? props.blocked : "You may look at this console, not change anything"} />;
}
