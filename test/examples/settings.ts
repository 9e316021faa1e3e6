// What a fence may say about itself: languages, ways to run, settings. A wrong word must not make an example pass.
import { isCauseId } from "../../src/failure/causes.ts";
import { isFaultName } from "../../src/lab/faults.ts";
import type { Example } from "./fences.ts";

const PROXIES = ["nginx", "haproxy", "caddyfile", "goodgate"] as const;
/** Languages that are checked. */
export const CODE = [...PROXIES, "js", "sh", "json", "yaml"] as const;
/** Not code, or code of what is not among the programs of the tests. */
const SHOWN = (
  "http text log html diff ini toml apache python php java go ruby xml vcl dockerfile csharp hcl powershell sql ts " +
  "properties"
).split(" ");

interface Mode {
  readonly languages: readonly string[];
  readonly settings: readonly string[];
  /** One of them must be there: without it the example could not fail. */
  readonly needs?: readonly string[];
}

/** What is asked; the answer to the last of `requests` counts. */
const REQUEST = ["method", "path", "host", "requests"];
const ANY = [...CODE, ...SHOWN];
const MODES: Readonly<Record<string, Mode>> = {
  bad: {
    languages: PROXIES,
    settings: ["app", "cause", "status", ...REQUEST],
    needs: ["cause", "status"],
  },
  good: { languages: PROXIES, settings: ["app", "status", ...REQUEST] },
  client: { languages: ["js"], settings: ["app", "prints"] },
  app: { languages: ["js"], settings: ["status"] },
  ok: { languages: ["sh"], settings: ["app", "prints"] },
  no: { languages: ANY, settings: ["why"], needs: ["why"] },
};

/** What is wrong with the fence's first line; null = nothing. */
export function settingProblem({ language, settings }: Example): string | null {
  if (!ANY.includes(language)) return `nobody knows the language "${language}"`;
  const { run, app, cause, ...rest } = settings;
  if (run === undefined)
    return Object.keys(settings).length === 0 ? null : `settings without run=: ${Object.keys(settings).join(", ")}`;
  const mode = Object.hasOwn(MODES, run) ? MODES[run]! : null;
  if (mode === null) return `run=${run} is no way to run`;
  if (!mode.languages.includes(language)) return `${language} has no run=${run}`;
  if (mode.needs && !mode.needs.some((key) => settings[key])) return `run=${run} needs ${mode.needs.join(" or ")}`;
  const strange = Object.keys(settings).filter((key) => key !== "run" && !mode.settings.includes(key));
  if (strange.length > 0) return `run=${run} has no ${strange.join(", ")}`;
  if (cause !== undefined && !isCauseId(cause)) return `there is no cause ${cause}`;
  if (app !== undefined && app !== "good" && app !== "down" && !isFaultName(app)) return `the lab has no fault ${app}`;
  const { status = "200", requests = "1" } = rest;
  if (!/^[1-9]$/.test(requests)) return `requests=${requests} is no number from 1 to 9`;
  return /^[1-5]\d\d$/.test(status) ? null : `status=${status} is no status`;
}
