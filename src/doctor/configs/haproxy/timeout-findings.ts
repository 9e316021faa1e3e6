// Timeouts that are missing, or so short that their unit was forgotten: a bare number is milliseconds.
import type { CauseId } from "../../../failure/causes.ts";
import { haproxyTime } from "../durations.ts";
import { note, risk } from "../finding.ts";
import type { Finding } from "../model.ts";
import { isOwnBackend } from "./hop.ts";
import { serversOf } from "./servers.ts";
import { type Line, lastLine, modeOf, type Section } from "./words.ts";

const NEEDED = ["connect", "client", "server"] as const;
type Needed = (typeof NEEDED)[number];
const CLASS: Readonly<Record<Needed, CauseId>> = {
  connect: "connect-timeout",
  client: "client-timeout",
  server: "response-timeout",
};
/** Less than any network needs, for what people set in seconds. */
const FORGOTTEN_MS = 100;

/** Of all sections. `isPart`: defaults may stand in another file. */
export function timeoutFindings(sections: readonly Section[], isPart: boolean): Finding[] {
  return [...missing(sections, isPart), ...sections.flatMap(unitFindings), ...sections.flatMap(queueFindings)];
}

/** Told once for each set of names, where the first section without them is. */
function missing(sections: readonly Section[], isPart: boolean): Finding[] {
  const found = new Map<string, { readonly names: readonly Needed[]; readonly sections: Section[] }>();
  for (const section of sections) {
    const names = neededIn(section).filter((name) => !lastLine(section, "timeout", name));
    if (names.length === 0) continue;
    const key = names.join(" ");
    const known = found.get(key);
    if (known) known.sections.push(section);
    else found.set(key, { names, sections: [section] });
  }
  return [...found.values()].flatMap(({ names, sections: without }): Finding[] => {
    const [first] = without;
    const name = names.find((each) => each !== "client") ?? names[0];
    if (!first || !name) return [];
    const listed = names.map((each) => `"timeout ${each}"`).join(" and ");
    const where = without.slice(0, 3).map((each) => `${each.keyword} "${each.name}"`);
    const more = without.length > 3 ? ` and ${without.length - 3} more` : "";
    const say = isPart ? note : risk;
    return [
      say({
        id: "haproxy-timeouts-missing",
        class: CLASS[name],
        text: `${listed} ${names.length === 1 ? "is" : "are"} not set for ${where.join(", ")}${more}: ${whatFollows(names)}`,
        fix: `write ${names.map((each) => `"timeout ${each} ${each === "connect" ? "5s" : "60s"}"`).join(", ")} in the "defaults" section in front of it`,
        at: first.at,
        also: first.defaults?.at ?? null,
      }),
    ];
  });
}

function neededIn(section: Section): readonly Needed[] {
  const isFront = section.kind === "frontend" || section.kind === "listen";
  const isBack = (section.kind === "backend" || isOwnBackend(section)) && serversOf(section).length > 0;
  return NEEDED.filter((name) => (name === "client" ? isFront : isBack));
}

function whatFollows(names: readonly Needed[]): string {
  if (names.includes("server"))
    return "a server that says nothing holds its requests for ever, and the hop in front ends them instead of a 504 here";
  if (names.includes("connect")) return "a server that does not answer is waited for as long as the system tries";
  return "clients that say nothing keep their connections for ever, until maxconn is reached";
}

function unitFindings(section: Section): Finding[] {
  return section.lines.flatMap((line): Finding[] => {
    const [keyword, name = "", text = ""] = line.words;
    if (keyword !== "timeout" || !/^\d+$/.test(text)) return [];
    const ms = haproxyTime(text) ?? 0;
    if (ms === 0 || ms >= FORGOTTEN_MS) return [];
    return [
      risk({
        id: "haproxy-timeout-unit",
        class: name === "connect" || name === "queue" ? CLASS.connect : name === "client" ? CLASS.client : CLASS.server,
        text: `"timeout ${name} ${text}" is ${text} milliseconds: a number without a unit is not seconds here`,
        fix: `write "timeout ${name} ${text}s"`,
        at: line.places[2] ?? line.at,
      }),
    ];
  });
}

/** Requests wait for a connection of a server for as long as a connect may take. */
function queueFindings(section: Section): Finding[] {
  if (modeOf(section) !== "http" || lastLine(section, "timeout", "queue")) return [];
  const connect: Line | null = lastLine(section, "timeout", "connect");
  const ms = haproxyTime(connect?.words[2] ?? "");
  const server = serversOf(section).find(({ settings }) => Number(settings.get("maxconn")) > 0);
  if (!server || !connect || ms === undefined) return [];
  // Shorter than what people wait for anyway: the queue hardly works.
  const say = ms < 1000 ? risk : note;
  return [
    say({
      id: "haproxy-queue-timeout",
      class: "pool-exhausted",
      text: `server "${server.name}" takes ${server.settings.get("maxconn")} connections, and requests beyond wait for "timeout connect" (${connect.words[2]}), since no "timeout queue" is set: then they get a 503 with the flags sQ`,
      fix: 'write "timeout queue 10s": as long as your visitors would wait',
      at: server.places.get("maxconn") ?? server.at,
      also: connect.at,
    }),
  ];
}
