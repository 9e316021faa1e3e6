// Findings about a backend as a whole: what happens when one of its servers fails, how they are checked, and when
// idle connections are used again.
import { note, risk } from "../finding.ts";
import type { Finding } from "../model.ts";
import { checkOf } from "./hop.ts";
import { isOut, type Server } from "./servers.ts";
import { hasOption, lastLine, modeOf, type Section } from "./words.ts";

/** Of one backend. */
export function sectionFindings(section: Section, servers: readonly Server[], isUsed: boolean): Finding[] {
  return [
    ...(isUsed ? emptyFindings(section, servers) : []),
    ...redispatchFindings(section, servers),
    ...checkFindings(section, servers),
    ...hostFindings(section, servers),
    ...reuseFindings(section, servers),
  ];
}

const ANSWERS = /^(?:redirect|errorfile|stats|use-server|dispatch|http-after-response|monitor-uri)$/;

/** Nothing to send requests to. */
function emptyFindings(section: Section, servers: readonly Server[]): Finding[] {
  const usable = servers.filter((server) => !isOut(server));
  if (usable.length > 0) return [];
  const answers = section.lines.some(
    ({ words: [first = "", second = ""] }) =>
      ANSWERS.test(first) ||
      first === "source" ||
      (/^http-(?:request|response)$/.test(first) &&
        /^(?:redirect|return|deny|use-service|reject|tarpit)$/.test(second)) ||
      (first === "option" && /^(?:http_proxy|transparent)$/.test(second)) ||
      first === "http-error" ||
      first === "errorloc",
  );
  if (answers) return [];
  const [first] = servers;
  return [
    risk({
      id: "haproxy-backend-empty",
      class: first ? "no-healthy-upstream" : "backend-absent",
      text: first
        ? `every server of ${section.keyword} "${section.name}" is disabled: every request to it gets a 503`
        : `${section.keyword} "${section.name}" has no server: every request to it gets a 503`,
      fix: first
        ? `remove "disabled" from "server ${first.name}"`
        : 'add a "server" line, or remove the rule that leads here',
      at: first?.places.get("disabled") ?? first?.at ?? section.at,
    }),
  ];
}

/** Tries after a failed connect go to the same server. */
function redispatchFindings(section: Section, servers: readonly Server[]): Finding[] {
  // Those for emergencies are used only when checks have taken the others out.
  const usable = servers.filter((server) => !isOut(server) && !server.settings.has("backup"));
  const retries = lastLine(section, "retries");
  const count = Number(retries?.words[1] ?? 3);
  if (usable.length < 2 || hasOption(section, "redispatch") || count === 0) return [];
  return [
    risk({
      id: "haproxy-no-redispatch",
      class: "connect-refused",
      text: `"option redispatch" is not set for ${section.keyword} "${section.name}": a request whose server refuses the connection is tried ${count} more times on the same server, and gets a 503 while the ${usable.length - 1 === 1 ? "other is" : `other ${usable.length - 1} are`} well`,
      fix: `write "option redispatch" in ${section.keyword} "${section.name}" or in its defaults`,
      at: retries?.at ?? section.at,
      also: retries ? section.at : null,
    }),
  ];
}

function isChecked({ settings }: Server): boolean {
  return settings.has("check") || settings.has("track") || settings.has("agent-check");
}

/** Requests go on to a server that is gone. */
function checkFindings(section: Section, servers: readonly Server[]): Finding[] {
  const unchecked = servers.filter((server) => !isOut(server) && !isChecked(server));
  const [first] = unchecked;
  if (!first || servers.some(({ settings }) => settings.has("observe"))) return [];
  const one = unchecked.length === 1 ? `server "${first.name}" has` : `${unchecked.length} servers have`;
  const httpchk = hasOption(section, "httpchk") && unchecked.length === servers.length;
  const about = httpchk ? ', so that "option httpchk" does nothing' : "";
  const say = servers.length > 1 || httpchk ? risk : note;
  return [
    say({
      id: "haproxy-check-missing",
      class: "connect-refused",
      text: `${one} no "check"${about}: HAProxy goes on sending requests there when it is gone`,
      fix: `write "server ${first.name} ${first.text} check", or "default-server check" for all`,
      at: first.at,
    }),
  ];
}

/** Checks that servers which go by the Host refuse. */
function hostFindings(section: Section, servers: readonly Server[]): Finding[] {
  const check = checkOf(section);
  const [first] = servers.filter(isChecked);
  if (!check || !first || check.host !== null) return [];
  const isInvalid = /HTTP\/1\.1/i.test(check.version);
  const say = isInvalid ? risk : note;
  const path = check.path ?? "/";
  return [
    say({
      id: "haproxy-httpchk-host",
      class: "no-healthy-upstream",
      text: isInvalid
        ? `checks of ${section.keyword} "${section.name}" are HTTP/1.1 requests without a Host field: most servers answer 400, are taken for down, and requests get a 503`
        : `checks of ${section.keyword} "${section.name}" have no Host field: a server that goes by names answers for another site, or with 400`,
      fix: `write "http-check send meth ${check.method} uri ${path} ver HTTP/1.1 hdr Host shop.example.com" with the name of your site`,
      at: check.at,
      also: first.at,
    }),
  ];
}

/** The first request of a client on a connection that the server may be closing. */
function reuseFindings(section: Section, servers: readonly Server[]): Finding[] {
  const reuse = lastLine(section, "http-reuse");
  const mode = reuse?.words[1];
  if (!reuse || mode !== "always" || modeOf(section) !== "http" || servers.length === 0) return [];
  const retryOn = lastLine(section, "retry-on")?.words.slice(1) ?? [];
  if (retryOn.some((word) => word === "all-retryable-errors" || word === "empty-response")) return [];
  if (servers.every(({ settings }) => settings.get("pool-max-conn") === "0")) return [];
  return [
    risk({
      id: "haproxy-reuse-always",
      class: "keepalive-race",
      text: '"http-reuse always" sends first requests, too, on idle connections: one that the server is just closing makes a 502 with the flags SH',
      fix: 'write "retry-on conn-failure empty-response", or "http-reuse safe"; keep the idle timeout of the servers above "pool-purge-delay"',
      at: reuse.places[1] ?? reuse.at,
    }),
  ];
}
