// Whose figures are shown: all traffic, one route, upstream or endpoint, or each of a kind side by side. Kept in the
// address as `kind` and `name`.
import type { SeriesKind } from "../../../observe/report.ts";
import type { Now } from "../../model.ts";

export interface Scope {
  readonly kind: SeriesKind;
  /** "" = each of the kind, side by side; of kind "all" there is one. */
  readonly name: string;
}

export const KIND_WORDS: Readonly<Record<SeriesKind, string>> = {
  all: "All traffic",
  route: "By route",
  upstream: "By upstream",
  endpoint: "By endpoint",
};
const KINDS = Object.keys(KIND_WORDS) as SeriesKind[];
const NAME_MAX = 300;

export function readScope(params: URLSearchParams): Scope {
  const kind = KINDS.find((one) => one === params.get("kind")) ?? "all";
  return { kind, name: kind === "all" ? "" : (params.get("name") ?? "").slice(0, NAME_MAX) };
}

/** What setQuery wants. */
export function scopeValues({ kind, name }: Scope): Record<string, string | null> {
  return { kind: kind === "all" ? null : kind, name: kind === "all" || name === "" ? null : name };
}

/** Names of a kind as the gateway runs now, one a line; "endpoint"s as points have them, with their upstream. */
export function namesOf(now: Now | null, kind: SeriesKind): string {
  if (!now || kind === "all") return "";
  const { routes, upstreams } = now;
  if (kind === "route") return routes.map(({ name }) => name).join("\n");
  if (kind === "upstream") return upstreams.map(({ name }) => name).join("\n");
  return upstreams.flatMap(({ name, endpoints }) => endpoints.map(({ label }) => `${name} ${label}`)).join("\n");
}

/** Whether several lines stand side by side. */
export const sideBySide = ({ kind, name }: Scope): boolean => kind !== "all" && name === "";
