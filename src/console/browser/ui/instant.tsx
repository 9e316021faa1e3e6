// An instant: the reader's own time, the exact one (ISO 8601, UTC) in the title.
import { ago, instant, iso } from "../format.ts";
import { gatewayTime } from "../live.ts";

/** `relative` adds "3 min ago". */
export function Instant({ at, relative }: { readonly at: number; readonly relative?: boolean }) {
  const now = gatewayTime();
  return (
    <time dateTime={iso(at)} title={iso(at)}>
      {instant(at, now)}
      {relative ? ` (${ago(now - at)})` : ""}
    </time>
  );
}
