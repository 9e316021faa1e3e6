// Facts as a sentence: what the text says of this case.
import type { Facts } from "./explanation.ts";

/** 'Here: upstream 10.0.0.7:3000, request GET /cart, status 502.'; "" where nothing is known. */
export function factSentence(facts: Facts): string {
  const parts: string[] = [];
  if (facts.upstream) parts.push(`upstream ${facts.upstream}`);
  if (facts.method || facts.path) parts.push(`request ${[facts.method, facts.path].filter(Boolean).join(" ")}`);
  if (facts.host) parts.push(`host ${facts.host}`);
  if (facts.status !== undefined) parts.push(`status ${facts.status}`);
  if (facts.upstreamStatus !== undefined && facts.upstreamStatus !== facts.status)
    parts.push(`upstream status ${facts.upstreamStatus}`);
  const longest = Object.entries(facts.durations ?? {}).toSorted(([, a], [, b]) => b - a)[0];
  if (longest && longest[1] > 0)
    parts.push(longest[0].startsWith('"') ? seconds(longest[1]) : `${longest[0]} ${seconds(longest[1])}`);
  return parts.length === 0 ? "" : `Here: ${parts.join(", ")}.`;
}

/** "12 ms", "60 s", "1.5 s". */
export function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`;
}
