// The name of a target: what the system says (getaddrinfo: hosts file and search list included), and what DNS servers
// themselves say, those of resolv.conf and the one that was given. Addresses are as they are; nothing is kept or guessed.
// Names that only the system knows (localhost, names without a dot) are not asked for over DNS unless a server is given.
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { connectFailure, deadlineFailure } from "../../failure/classify.ts";
import type { Failure } from "../../failure/failure.ts";
import { askDns, type DnsAsked, dnsServerOf } from "../../net/dns-ask.ts";
import { systemLookup } from "../../net/resolve.ts";
import { now } from "../../std/clock.ts";
import type { Ms } from "../../std/units.ts";
import type { DnsRecord } from "../../wire/dns-answer.ts";
import type { DnsAnswer, DnsEvidence } from "../evidence.ts";
import { leaveOut, roundedMs, type Scene, within } from "./context.ts";

const SYSTEM_MS: Ms = 5_000;
const SERVER_MS: Ms = 3_000;
const RESOLV_CONF = "/etc/resolv.conf";
/** glibc asks no more than three. */
const SERVERS_MAX = 3;
const RESOLV_CONF_BYTES_MAX = 64 * 1024;

/** What an rcode is to node:dns, whose codes the classifier knows. */
const CODES: Readonly<Record<string, string>> = {
  NXDOMAIN: "ENOTFOUND",
  SERVFAIL: "ESERVFAIL",
  REFUSED: "EREFUSED",
  FORMERR: "EFORMERR",
  NOTIMP: "ENOTIMP",
};

/** The names and addresses of one host. */
export interface Named {
  readonly evidence: DnsEvidence;
  /** The system's; where it has none, those that a server gave. */
  readonly addresses: readonly string[];
}

/** Looks a name up; null = an IP address, which needs none. */
export async function probeDns(scene: Scene, host: string): Promise<Named | null> {
  const name = host.replace(/^\[|\]$/g, "");
  if (isIP(name.replace(/%.*$/, "")) !== 0) return null;
  const [system, servers] = await Promise.all([askSystem(scene, name), askServers(scene, name)]);
  const said = servers.flatMap(({ answers }) =>
    answers.flatMap(({ type, records }) => (type === "CNAME" ? [] : records.map(({ value }) => value))),
  );
  const addresses = system.addresses.length > 0 ? system.addresses : [...new Set(said)];
  return { evidence: { name, system, servers }, addresses };
}

async function askSystem(scene: Scene, name: string): Promise<DnsEvidence["system"]> {
  const startedAt = now();
  const deadlineMs = within(scene, SYSTEM_MS);
  const lookup = scene.context.names?.lookup ?? systemLookup;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => setImmediate(resolve, null), deadlineMs);
  });
  const evidence = () => ({ address: name, waitedMs: now() - startedAt });
  const outcome = await Promise.race([
    late,
    lookup(name).then(
      (found) => ({ addresses: [...new Set(found.map(({ address }) => address))] }),
      (error: unknown) => ({ failure: connectFailure(error, "resolve", evidence()) }),
    ),
  ]);
  clearTimeout(timer);
  const tookMs = roundedMs(now() - startedAt);
  if (outcome === null) {
    return { addresses: [], tookMs, failure: deadlineFailure("resolve", { ...evidence(), deadlineMs }) };
  }
  if ("failure" in outcome) return { addresses: [], tookMs, failure: outcome.failure };
  const { addresses } = outcome;
  const none = addresses.length === 0 ? connectFailure({ code: "ENOTFOUND" }, "resolve", evidence()) : null;
  return { addresses, tookMs, failure: none };
}

/** The servers of resolv.conf, and the given one. */
async function askServers(scene: Scene, name: string): Promise<DnsEvidence["servers"]> {
  const { resolver } = scene.limits;
  const isLocal = !name.replace(/\.$/, "").includes(".") || /(?:^|\.)localhost\.?$/i.test(name);
  const own = isLocal ? [] : (scene.context.names?.servers ?? (await systemServers(scene)));
  const asked = [
    ...own.slice(0, SERVERS_MAX).map((server) => ({ server, given: false })),
    ...(resolver === null ? [] : [{ server: resolver, given: true }]),
  ];
  return Promise.all(
    asked.map(async ({ server, given }) => ({ server, given, answers: await askServer(scene, server, name) })),
  );
}

async function systemServers(scene: Scene): Promise<readonly string[]> {
  try {
    const text = (await readFile(RESOLV_CONF, "utf8")).slice(0, RESOLV_CONF_BYTES_MAX);
    return [...text.matchAll(/^[ \t]*nameserver[ \t]+([^\s#;]+)/gm)].map(([, address = ""]) => address);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    leaveOut(scene, "DNS servers of the system", `${RESOLV_CONF} cannot be read (${code})`, "--resolver ADDRESS");
    return [];
  }
}

async function askServer(scene: Scene, server: string, name: string): Promise<readonly DnsAnswer[]> {
  const address = dnsServerOf(server);
  if (address === null) {
    leaveOut(scene, `DNS server ${server}`, "it is no IP address with an optional port", "--resolver 192.0.2.53");
    return [];
  }
  const ask = async (type: "A" | "AAAA") => ({
    type,
    asked: await askDns(address, name, type, within(scene, SERVER_MS)),
  });
  const [v4, v6] = await Promise.all([ask("A"), ask("AAAA")]);
  const aliases = aliasesOf(v4.asked).length > 0 ? v4.asked : v6.asked;
  const answers = [answerOf("A", v4.asked, server), answerOf("AAAA", v6.asked, server)];
  // Aliases come with the addresses: they need no question of their own.
  if (aliasesOf(aliases).length > 0) answers.push({ ...answerOf("CNAME", aliases, server), failure: null });
  return answers;
}

function aliasesOf(asked: DnsAsked): readonly DnsRecord[] {
  return asked.ok ? asked.message.records.filter(({ type }) => type === "CNAME") : [];
}

function answerOf(type: DnsAnswer["type"], asked: DnsAsked, server: string): DnsAnswer {
  if (!asked.ok)
    return { type, rcode: null, records: [], tookMs: roundedMs(asked.tookMs), failure: failureOfAsking(asked, server) };
  const { rcode } = asked.message;
  const records = asked.message.records
    .filter((record) => record.type === type)
    .map(({ value, ttlSeconds }) => ({ value, ttlSeconds }));
  const evidence = { address: server, rcode, waitedMs: asked.tookMs };
  const failure =
    rcode === "NOERROR" ? null : connectFailure({ code: CODES[rcode] ?? "ESERVFAIL" }, "resolve", evidence);
  return {
    type,
    rcode,
    records,
    tookMs: roundedMs(asked.tookMs),
    failure: failure && { ...failure, evidence: { ...failure.evidence, rcode } },
  };
}

function failureOfAsking({ code, tookMs }: Extract<DnsAsked, { ok: false }>, server: string): Failure {
  const evidence = { address: server, waitedMs: tookMs };
  if (code === "ETIMEOUT") return deadlineFailure("resolve", { ...evidence, deadlineMs: tookMs });
  return connectFailure({ code }, "resolve", evidence);
}
