// The filters of the live tail as they stand in the address and in the form.
import type { TailFilter } from "../../../observe/report.ts";

const TEXTS = ["status", "cause", "route", "upstream", "endpoint", "method", "text"] as const;
const TEXT_MAX = 200;
const DAY_MS = 86_400_000;

export function readTailFilter(params: URLSearchParams): TailFilter {
  const filter: Record<string, string | number | boolean> = {};
  if (params.get("failures") === "1") filter["failuresOnly"] = true;
  for (const name of TEXTS) {
    const value = (params.get(name) ?? "").slice(0, TEXT_MAX).trim();
    if (value !== "") filter[name] = value;
  }
  // The gateway refuses what is no status: a stream that never opens helps nobody.
  const status = String(filter["status"] ?? "").toLowerCase();
  if (status === "" || statusProblem(status) !== "") delete filter["status"];
  else filter["status"] = status;
  const least = Number(params.get("min") ?? "");
  if (Number.isFinite(least) && least >= 1) filter["minMs"] = Math.min(DAY_MS, Math.round(least));
  return filter;
}

/** What setQuery wants; what is not in the filter is taken out of the address. */
export function tailFilterValues(filter: TailFilter): Record<string, string | null> {
  const values: Record<string, string | null> = {
    failures: filter.failuresOnly ? "1" : null,
    min: filter.minMs ? String(filter.minMs) : null,
  };
  for (const name of TEXTS) values[name] = filter[name] ?? null;
  return values;
}

/** What a status filter may be; "" = it can be used. */
export function statusProblem(text: string): string {
  return text === "" || /^(?:[1-5]xx|[1-5]\d\d)$/i.test(text) ? "" : `“${text}” is no status: write 404 or 5xx`;
}
