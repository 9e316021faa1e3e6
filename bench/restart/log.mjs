// The gateways' access logs: what they say of what they did.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/** The lines of a JSON access log, one after the other: a long run's log is too long to be held. */
export async function* logLines(file) {
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    if (line !== "") yield JSON.parse(line);
  }
}

/** Goodgate's own account: the errors that it avoided, by means and cause; those that it did not; and the holds. */
export async function accountOf(accessLog) {
  const account = { avoided: {}, failed: {}, held: 0, heldMsMax: 0 };
  for await (const { cause, avoided, heldMs = 0 } of logLines(accessLog)) {
    if (cause !== null) countUp(account.failed, cause);
    if (avoided) countUp(account.avoided, `${avoided.by} ${avoided.cause}`);
    if (heldMs > 0) account.held += 1;
    account.heldMsMax = Math.max(account.heldMsMax, heldMs);
  }
  return account;
}

/** One more of `name` in `counts`. */
export function countUp(counts, name) {
  counts[name] = (counts[name] ?? 0) + 1;
}
