// The failure that an exchange is told of in the failure log: its own, or the one that waiting or a retry mended.
import { CAUSES } from "../failure/causes.ts";
import type { Failure } from "../failure/failure.ts";
import { type Avoided, avoided, type ExchangeRecord } from "./record.ts";

/** The failure of a record, or the one that was avoided; null = neither. */
export function failureOrAvoided(record: ExchangeRecord): Failure | null {
  const saved = record.failure === null ? avoided(record) : null;
  return record.failure ?? (saved && savedFrom(record, saved));
}

/** The failure that was avoided: of the first attempt that failed, or what would have been shown without waiting. */
function savedFrom(record: ExchangeRecord, { cause }: Avoided): Failure {
  const { phase, status } = CAUSES[cause];
  return (
    record.attempts.find((attempt) => attempt.failure?.cause === cause)?.failure ?? {
      cause,
      phase,
      status,
      evidence: {},
    }
  );
}
