// `server`, `server-template` and `default-server` lines taken apart. What a default-server says holds for the servers
// below it in its section, and for all of those whose section has the defaults that it stands in; "no-check" and its
// kind take back what it said.
import type { Place, Spot } from "../../evidence.ts";
import { spotOf } from "../reader.ts";
import { type Line, ownLines, type Section } from "./words.ts";

export interface Server {
  readonly name: string;
  /** As written: "app:3000"; of a template with its count. */
  readonly text: string;
  /** null = variables, no port, a port that is that of the client. */
  readonly spot: Spot | null;
  readonly at: Place;
  readonly line: Line;
  /** Keywords with their values; those that have none have "". Those of default-server are among them. */
  readonly settings: ReadonlyMap<string, string>;
  /** Where each is written. */
  readonly places: ReadonlyMap<string, Place>;
}

/** Keywords that a value follows. */
const WITH_VALUE = new Set(
  (
    "weight inter fastinter downinter rise fall port addr cookie maxconn maxqueue minconn slowstart track id crt ca-file " +
    "crl-file ciphers ciphersuites client-sigalgs sigalgs curves sni check-sni check-alpn check-proto " +
    "check-pool-conn-name alpn npn proto verify verifyhost agent-port agent-inter agent-addr agent-send on-error " +
    "on-marked-down on-marked-up observe error-limit resolvers resolve-prefer resolve-net resolve-opts init-addr " +
    "init-state source interface usesrc namespace pool-purge-delay pool-max-conn pool-low-conn pool-conn-name max-reuse " +
    "log-proto log-bufsize proxy-v2-options redir shard socks4 ssl-max-ver ssl-min-ver tcp-ut tcp-md5sig ws guid " +
    "hash-key idle-ping set-proxy-v2-tlv-fmt cc ech"
  ).split(" "),
);

interface Settings {
  readonly settings: Map<string, string>;
  readonly places: Map<string, Place>;
}

/** The servers of a section. */
export function serversOf(section: Section): Server[] {
  const inherited = defaultsOf(section.defaults, 0);
  const servers: Server[] = [];
  for (const line of section.lines) {
    const [keyword] = line.words;
    if (keyword === "default-server") readSettings(inherited, line, 1);
    if (keyword === "server" && line.words.length >= 3) servers.push(serverOf(line, inherited));
    if (keyword === "server-template" && line.words.length >= 4) servers.push(templateOf(line, inherited));
  }
  return servers;
}

function defaultsOf(section: Section | null, depth: number): Settings {
  if (!section || depth > 20) return { settings: new Map(), places: new Map() };
  const found = defaultsOf(section.defaults, depth + 1);
  for (const line of ownLines(section, "default-server")) readSettings(found, line, 1);
  return found;
}

function readSettings({ settings, places }: Settings, { words, places: at }: Line, from: number): void {
  for (let index = from; index < words.length; index++) {
    const word = words[index] ?? "";
    const place = at[index];
    if (word.startsWith("no-") && settings.delete(word.slice(3))) continue;
    const hasValue = WITH_VALUE.has(word);
    settings.set(word, hasValue ? (words[index + 1] ?? "") : "");
    if (place) places.set(word, place);
    if (hasValue) index += 1;
  }
}

function serverOf(line: Line, inherited: Settings): Server {
  const [, name = "", text = ""] = line.words;
  return { name, text, spot: addressOf(text), ...rest(line, 3, inherited) };
}

function templateOf(line: Line, inherited: Settings): Server {
  const [, prefix = "", count = "", address = ""] = line.words;
  const range = count.includes("-") ? count : `1-${count}`;
  return { name: `${prefix}${range}`, text: address, spot: addressOf(address), ...rest(line, 4, inherited) };
}

function rest(line: Line, from: number, inherited: Settings): Pick<Server, "at" | "line" | "settings" | "places"> {
  const own: Settings = { settings: new Map(inherited.settings), places: new Map(inherited.places) };
  readSettings(own, line, from);
  return { at: line.at, line, ...own };
}

/** "app:3000", "[::1]:80", "ipv4@…", "unix@/run/x", "/run/x". A port with a sign counts from the client's. */
function addressOf(text: string): Spot | null {
  const bare = text.replace(/^(?:ipv4|ipv6|unix|quic4|quic6|tcp|tcp4|tcp6|stream\+(?:ipv4|ipv6))@/, "");
  if (/^(?:\*|0\.0\.0\.0|::|\[::\])?(?::|$)/.test(bare)) return null;
  return /^[\w-]+@/.test(bare) ? null : spotOf(bare, null);
}

/** Whether a server takes requests: neither put out of use nor there for nothing else but being tracked. */
export function isOut({ settings }: Server): boolean {
  return settings.has("disabled") && !settings.has("enabled");
}
