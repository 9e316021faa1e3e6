// What in a haproxy.cfg ends in gateway errors. HAProxy accepts all of it, but for backends that are not there. A rule
// speaks only where the file says enough: of a part without defaults nobody knows which timeouts hold.

import { note, risk } from "../finding.ts";
import type { Finding } from "../model.ts";
import { isAddress } from "../reader.ts";
import { isOwnBackend } from "./hop.ts";
import { sectionFindings } from "./section-findings.ts";
import { serverFindings } from "./server-findings.ts";
import { serversOf } from "./servers.ts";
import { timeoutFindings } from "./timeout-findings.ts";
import { lastLine, modeOf, ownLines, type Parsed, type Section } from "./words.ts";

/** All that is found. `elsewhere`: backends that other files define. */
export function haproxyFindings({ sections }: Parsed, elsewhere: ReadonlySet<string>): Finding[] {
  const isPart = !sections.some(({ kind }) => kind === "global" || kind === "defaults");
  const backs = sections.filter((section) => section.kind === "backend" || isOwnBackend(section));
  const used = namesUsed(sections);
  return [
    ...timeoutFindings(sections, isPart),
    ...(isPart ? [] : unknownBackends(sections, elsewhere)),
    ...backs.flatMap((back) => [
      ...sectionFindings(back, serversOf(back), back.kind === "listen" || used.has(back.name)),
      ...serverFindings(back, serversOf(back)),
    ]),
    ...sections.flatMap(socketFindings),
    ...sections.flatMap(bufferFindings),
    ...backs.flatMap(nameFindings),
  ];
}

/** Where requests are sent: a backend may be there for its stick-table alone. */
function namesUsed(sections: readonly Section[]): ReadonlySet<string> {
  const rules = sections.flatMap(({ lines }) =>
    lines.filter(({ words }) => /^(?:use|default)_backend$/.test(words[0] ?? "")),
  );
  return new Set(rules.map(({ words }) => words[1] ?? ""));
}

/** Backends that nothing defines, and those of another mode: HAProxy does not start. */
function unknownBackends(sections: readonly Section[], elsewhere: ReadonlySet<string>): Finding[] {
  const backends = new Map(
    sections.filter(({ kind }) => kind === "backend" || kind === "listen").map((each) => [each.name, each] as const),
  );
  const fronts = sections.filter(({ kind }) => kind === "frontend" || kind === "listen");
  return fronts.flatMap((front) =>
    front.lines.flatMap(({ words, places, at }): Finding[] => {
      const [keyword, name = ""] = words;
      if ((keyword !== "use_backend" && keyword !== "default_backend") || /[%$]/.test(name) || elsewhere.has(name))
        return [];
      const backend = backends.get(name);
      const place = places[1] ?? at;
      if (!backend) {
        const known = [...backends.keys()].slice(0, 5).join(", ");
        return [
          risk({
            id: "haproxy-backend-unknown",
            class: "gateway-config-invalid",
            text: `there is no backend "${name}": HAProxy does not start or reload with this`,
            fix: known === "" ? `add "backend ${name}" with its servers` : `name one that is there: ${known}`,
            at: place,
          }),
        ];
      }
      if (modeOf(front) !== "http" || modeOf(backend) !== "tcp") return [];
      return [
        risk({
          id: "haproxy-mode-differs",
          class: "gateway-config-invalid",
          text: `${front.keyword} "${front.name}" is in HTTP mode and backend "${name}" in TCP mode: HAProxy does not start with this`,
          fix: `write "mode http" in backend "${name}", or in the defaults in front of it`,
          at: place,
          also: backend.at,
        }),
      ];
    }),
  );
}

const UPGRADE = /hdr\((?:upgrade|connection)\)|hdr_\w+\((?:upgrade|connection)\)/i;

/** WebSockets are known, and the time for which they may be quiet is that of requests. */
function socketFindings(section: Section): Finding[] {
  if (section.kind !== "frontend" && section.kind !== "listen") return [];
  const acl = ownLines(section, "acl").find(
    ({ words }) => UPGRADE.test(words[2] ?? "") && /websocket/i.test(words.join(" ")),
  );
  const client = lastLine(section, "timeout", "client");
  if (!acl || !client || lastLine(section, "timeout", "tunnel")) return [];
  const text = client.words[2] ?? "";
  return [
    risk({
      id: "haproxy-tunnel-timeout",
      class: "response-body-timeout",
      text: `WebSockets are served here and no "timeout tunnel" is set: one on which nothing is said for ${text} ("timeout client"), or for "timeout server", is cut`,
      fix: `write "timeout tunnel 1h" in the defaults, or let the application ping more often than every ${text}`,
      at: acl.at,
      also: client.at,
    }),
  ];
}

/** Response heads have to fit. */
function bufferFindings(section: Section): Finding[] {
  const line = section.kind === "global" ? lastLine(section, "tune.bufsize") : null;
  const bytes = Number(line?.words[1]);
  if (!line || !(bytes < 8192)) return [];
  return [
    risk({
      id: "haproxy-buffer-small",
      class: "response-header-too-large",
      text: `a response head larger than ${bytes} bytes less tune.maxrewrite (cookies, a Content-Security-Policy) becomes a 502 with the flags PH`,
      fix: "remove tune.bufsize: 16384 is the default",
      at: line.places[1] ?? line.at,
    }),
  ];
}

const CHANGING =
  /\.(?:amazonaws\.com|elb\.amazonaws\.com|azurewebsites\.net|cloudapp\.azure\.com|herokuapp\.com|run\.app|consul|svc|svc\.cluster\.local|ondigitalocean\.app|onrender\.com|fly\.dev)$/i;

/** Names that are asked for once. */
function nameFindings(section: Section): Finding[] {
  return serversOf(section).flatMap((server): Finding[] => {
    const { spot, settings, at, name } = server;
    if (spot?.kind !== "tcp" || isAddress(spot.host) || /^localhost$/i.test(spot.host)) return [];
    if (settings.has("resolvers")) return [];
    // A name without a dot may be a container, whose address changes, or a line of /etc/hosts.
    const say = CHANGING.test(spot.host) ? risk : note;
    return [
      say({
        id: "haproxy-name-resolved-once",
        class: "connect-timeout",
        text: `"${spot.host}" (server "${name}") is resolved once, when HAProxy starts: when its address changes, connections go to the old one until a reload`,
        fix: `add a "resolvers" section with your DNS server, and write "server ${name} ${server.text} resolvers NAME init-addr last,libc,none"`,
        at,
      }),
    ];
  });
}
