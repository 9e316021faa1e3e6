// Which timer of a hop a word means: the program's own name of the setting, in any of the spellings people use, or the
// id that all programs share ("client-idle"). A word that fits nothing gets the nearest that would, and the list.
import { suggest } from "../../config/suggest.ts";
import type { SoftwareId } from "../software.ts";
import { defaultTimers } from "./defaults.ts";
import { type ChainHop, TIMER_IDS, type TimerId } from "./model.ts";

/** A setting that has no default worth a row, or another name for one. */
interface Alias {
  readonly of: readonly SoftwareId[];
  readonly names: readonly string[];
  readonly ids: readonly TimerId[];
}

// biome-ignore format: a table is read by columns
const ALIASES: readonly Alias[] = [
  { of: ["nginx"], names: ["fastcgi_read_timeout", "uwsgi_read_timeout", "scgi_read_timeout", "grpc_read_timeout"], ids: ["response"] },
  { of: ["nginx"], names: ["fastcgi_connect_timeout", "uwsgi_connect_timeout", "grpc_connect_timeout"], ids: ["connect"] },
  { of: ["nginx"], names: ["proxy_next_upstream_tries"], ids: ["tries"] },
  { of: ["nginx"], names: ["upstream.keepalive_timeout", "upstream keepalive_timeout", "upstream_keepalive_timeout"], ids: ["upstream-idle"] },
  { of: ["nginx"], names: ["worker_shutdown_timeout"], ids: ["drain"] },
  { of: ["haproxy"], names: ["http-keep-alive", "keep-alive"], ids: ["client-idle"] },
  { of: ["haproxy"], names: ["hard-stop-after"], ids: ["drain"] },
  { of: ["envoy"], names: ["timeout", "route.timeout"], ids: ["total"] },
  { of: ["envoy"], names: ["num_retries", "retries"], ids: ["tries"] },
  { of: ["envoy"], names: ["per_try_timeout"], ids: ["response"] },
  { of: ["envoy"], names: ["drain-time-s"], ids: ["drain"] },
  { of: ["caddy"], names: ["keepalive_idle_timeout"], ids: ["upstream-idle"] },
  { of: ["caddy"], names: ["lb_try_duration"], ids: ["try-total"] },
  { of: ["traefik"], names: ["attempts"], ids: ["tries"] },
  { of: ["apache"], names: ["ttl"], ids: ["upstream-idle"] },
  { of: ["google-lb"], names: ["timeoutSec", "timeout"], ids: ["total"] },
  { of: ["aws-api-gateway"], names: ["timeout", "timeoutInMillis"], ids: ["total"] },
  { of: ["lambda"], names: ["timeout"], ids: ["worker"] },
  { of: ["gunicorn"], names: ["keep-alive", "keep_alive"], ids: ["client-idle"] },
  { of: ["puma"], names: ["force_shutdown_after"], ids: ["drain"] },
  { of: ["tomcat"], names: ["server.tomcat.keep-alive-timeout"], ids: ["client-idle"] },
  { of: ["go"], names: ["IdleTimeout"], ids: ["client-idle"] },
];

/** What a word means on a hop: settings with their timers, or why it means nothing. */
export type FoundSetting =
  | { readonly setting: string; readonly ids: readonly TimerId[] }
  | { readonly wrong: string; readonly next: string };

/** Finds the setting of a hop. */
export function findSetting(hop: ChainHop, word: string): FoundSetting {
  const given = flat(word);
  const id = TIMER_IDS.find((each) => flat(each) === given);
  if (id !== undefined) {
    const first = hop.timers.find((timer) => timer.id === id);
    return { setting: first?.setting ?? id, ids: [id] };
  }
  // A default that a written value stands for can still be written itself.
  const known = [...hop.timers, ...defaultTimers(hop.software)];
  for (const spelling of [exact, withoutRole, lastPart]) {
    const fits = new Map<string, Set<TimerId>>();
    for (const timer of known) {
      if (spelling(timer.setting).includes(given))
        fits.set(timer.setting, (fits.get(timer.setting) ?? new Set()).add(timer.id));
    }
    const [first, second] = [...fits];
    if (first && second) return ambiguous(word, [...fits]);
    if (first) return { setting: first[0], ids: [...first[1]] };
  }
  const alias = ALIASES.find(
    ({ of, names }) => of.includes(hop.software) && names.some((name) => flat(name) === given),
  );
  if (alias) return { setting: word.trim(), ids: alias.ids };
  return unknown(hop, word);
}

function ambiguous(word: string, fits: readonly (readonly [string, ReadonlySet<TimerId>])[]): FoundSetting {
  const choices = fits.map(([setting, ids]) => `${[...ids][0]} for "${setting}"`);
  return { wrong: `"${word}" could be ${fits.length} settings`, next: `write ${choices.join(", ")}` };
}

function unknown(hop: ChainHop, word: string): FoundSetting {
  const settings = [...new Set(hop.timers.map(({ setting }) => setting))];
  const names = [...settings, ...TIMER_IDS, ...settings.flatMap((setting) => partsOf(setting))];
  const near = suggest(word, names);
  const has =
    settings.length > 0 ? `${hop.name} has ${settings.join(", ")}` : `${hop.name} has no setting that is known`;
  return {
    wrong: `${hop.name} has no setting "${word}"`,
    next: `${near === undefined ? "" : `did you mean "${near}"? `}${has}; or one of ${TIMER_IDS.join(", ")}`,
  };
}

const flat = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
const exact = (setting: string): readonly string[] => [flat(setting)];
const withoutRole = (setting: string): readonly string[] => [flat(setting.replace(/\s*\(.*\)$/, ""))];
const lastPart = (setting: string): readonly string[] => partsOf(setting).map(flat);

/** "server.keepAliveTimeout" → "keepAliveTimeout"; "timeout server" → "server". */
function partsOf(setting: string): readonly string[] {
  const bare = setting.replace(/\s*\(.*\)$/, "");
  const last = bare.split(/[.\s]/).at(-1) ?? bare;
  return last === bare ? [] : [last];
}
