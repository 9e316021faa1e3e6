// A text as it was stored, with what was taken out shown as such: a grey word that cannot be mistaken for the value.
import { REDACTED } from "../../../std/redact.ts";

export function Redacted({ text }: { readonly text: string }) {
  const parts = text.split(REDACTED);
  if (parts.length === 1) return <>{text}</>;
  return (
    <>
      {parts.map((part, index) => (
        <span key={index}>
          {index > 0 && (
            <span class="redacted" title="Taken out before it was stored">
              redacted
            </span>
          )}
          {part}
        </span>
      ))}
    </>
  );
}
