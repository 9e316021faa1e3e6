// What to do about a case: the first step with the user's own addresses, the settings of his files that belong to it,
// and what the machine told. Commands only look, except where the text says what they change.
import { isCauseId } from "../../failure/causes.ts";
import { span } from "../../failure/words.ts";
import type { Finding } from "../configs/model.ts";
import type { Evidence, Leg } from "../evidence.ts";
import { sameSpot, spotText } from "../options.ts";
import type { Case } from "./decide.ts";
import type { Fix } from "./model.ts";
import { type Setting, stepFor } from "./setting.ts";

const FIXES_MAX = 5;
const FINDINGS_MAX = 2;

/** The fixes of a case, the first thing to do first. */
export function fixesOf(found: Case, { evidence }: Pick<Setting, "evidence">): Fix[] {
  const fixes: Fix[] = [...special(found, evidence)];
  const hints =
    found.class === "connect-refused" ? [...otherAddress(found, evidence), ...wrongPort(found, evidence)] : [];
  if (found.class !== "redirect-loop" && found.class !== "status-only-502") {
    const step = stepFor(found.class, found.address, evidence);
    fixes.push({ text: step.text, command: step.command, config: null });
  }
  fixes.push(...hints);
  for (const { text, fix } of findingsOf(found, evidence).slice(0, FINDINGS_MAX))
    fixes.push({ text: `Of the configuration: ${text}. What helps: ${fix}.`, command: null, config: null });
  return distinctFixes(fixes).slice(0, FIXES_MAX);
}

function distinctFixes(fixes: readonly Fix[]): Fix[] {
  return fixes.filter(
    (fix, index) =>
      fixes.findIndex(({ text, config }) => text === fix.text && config?.text === fix.config?.text) === index,
  );
}

/** Findings of the files and of the timeouts that end in the class of the case. */
export function findingsOf({ class: of }: Pick<Case, "class">, { configs, findings = [], chain }: Evidence): Finding[] {
  if (!isCauseId(of)) return [];
  const all = [...configs.flatMap((config) => config.findings), ...findings, ...(chain?.inversions ?? [])];
  return all.filter((finding) => finding.class === of && finding.severity === "risk");
}

/** The leg whose pool has the failing target. */
export const legOf = ({ hop }: Pick<Case, "hop">, { way }: Evidence): Leg | null =>
  way.find(({ targets }) => targets.includes(hop)) ?? null;

function special(found: Case, evidence: Evidence): Fix[] {
  switch (found.class) {
    case "status-only-502":
      return [openQuestion(evidence)];
    case "redirect-loop":
      return redirectLoop(evidence);
    case "tls-handshake-failed":
    case "tls-cert-name-mismatch":
      return sniMissing(found, evidence);
    case "tls-plaintext-mismatch":
      return wrongScheme(found, evidence);
    case "response-timeout":
      return slow(found, evidence);
    case "no-healthy-upstream":
      return checkFails(found, evidence);
    case "response-header-too-large":
      return buffers(found, evidence);
    case "tls-cert-expired":
      return [
        {
          text: `Renew the certificate of ${found.address ?? "that server"}, install it with its whole chain, and reload the server.`,
          command: null,
          config: null,
        },
      ];
    default:
      return [];
  }
}

const place = (leg: Leg | null): string | null => (leg?.pool ? leg.pool.at.file : null);

const piece = (text: string, file: string | null): Fix["config"] => ({ language: "nginx", text, file });

/** A gateway's error, and no more: its log names the reason in the same second. */
function openQuestion({ url, configs, logs }: Evidence): Fix {
  const given = [
    ...configs.map(({ file }) => `--config ${shellWord(file)}`),
    ...logs.files.map(({ file }) => `--log ${shellWord(file)}`),
  ];
  const more = given.length > 0 ? given.join(" ") : "--config /etc/nginx/nginx.conf --log /var/log/nginx/error.log";
  const local = given.length > 0 ? " --local" : "";
  return {
    text: "The gateway's own error log has a line with the reason for each of these answers. Run doctor on its machine, with its configuration and that log.",
    command: url === null ? null : `goodgate doctor ${shellWord(url)} ${more}${local}`,
    config: null,
  };
}

/** A word for a command that is copied into a shell. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The origin that was named answers, and the configuration points somewhere else. */
function otherAddress({ hop, address }: Case, { targets }: Evidence): Fix[] {
  const target = targets.find((each) => each.target.id === hop)?.target;
  const well = targets.find(
    ({ target: { role }, http }) => role === "origin" && http.some(({ status }) => (status ?? 500) < 500),
  );
  if (target?.role !== "endpoint" || !well || sameSpot(target.spot, well.target.spot)) return [];
  const at = target.pool?.at;
  const text = `${spotText(well.target.spot)} answers, and ${at ? `${at.file}:${at.line}` : "the configuration"} points to ${address ?? "another address"}: is the one the address of old?`;
  return [{ text, command: null, config: null }];
}

function wrongPort(found: Case, evidence: Evidence): Fix[] {
  const { local } = evidence;
  const target = evidence.targets.find(({ target: { id } }) => id === found.hop)?.target;
  const spot = local?.spots.find(
    (each) => target && each.spot.kind === "tcp" && target.spot.kind === "tcp" && each.spot.port === target.spot.port,
  );
  const near = spot?.listeners[0] ?? (spot?.others.length === 1 ? spot.others[0] : undefined);
  if (!spot || spot.served || !near || isConfigured(near.address, evidence)) return [];
  const at = target?.pool?.at;
  const where = at ? ` (${at.file}:${at.line})` : "";
  return [
    {
      text: `${near.process?.name ?? "A process"} listens at ${near.address} instead. If that is the application, point the gateway there${where}, or make it listen at ${found.address ?? "the configured address"}.`,
      command: null,
      config: null,
    },
  ];
}

/** Who listens for another member or for the gateway itself is not the one that is missing. */
function isConfigured(address: string, { way, targets }: Evidence): boolean {
  const port = Number(/:(\d+)$/.exec(address)?.[1]);
  return (
    targets.some(({ target: { spot } }) => spot.kind === "tcp" && spot.port === port) ||
    way.some(({ listens }) => listens.some((listen) => listen.port === port))
  );
}

function redirectLoop({ targets }: Evidence): Fix[] {
  const urls = targets.find(({ redirects }) => redirects?.loop)?.redirects?.urls ?? [];
  const distinct = [...new Set(urls)];
  const [first = "", second] = distinct;
  const changesScheme = second !== undefined && first.replace(/^https?/, "") === second.replace(/^https?/, "");
  if (changesScheme || (distinct.length === 1 && first.startsWith("https:")))
    return [
      {
        text: "Something in front ends TLS and asks the application in plain HTTP, which then sends visitors to https again. Tell the application that the visitor came by https (X-Forwarded-Proto) and let it trust that field of its proxy; with a CDN, let it speak TLS to the origin (Cloudflare: SSL mode Full).",
        command: null,
        config: piece("proxy_set_header X-Forwarded-Proto $scheme;", null),
      },
    ];
  const text =
    distinct.length === 1
      ? "The server sends visitors to the address that they ask for. Look for the rule that redirects this path, and except its own target from it."
      : "Two rules send visitors to each other's address: follow the addresses, and take one of the two away.";
  return [{ text, command: null, config: null }];
}

function sniMissing(found: Case, evidence: Evidence): Fix[] {
  const seen = evidence.targets.find(({ target }) => target.id === found.hop);
  const leg = legOf(found, evidence);
  if (seen?.target.role !== "endpoint" || seen.target.serverName !== null || leg?.software !== "nginx") return [];
  const name = seen.target.host.replace(/:\d+$/, "");
  return [
    {
      text: "nginx sends no server name (SNI) in its handshake unless it is told to, and this server needs it.",
      command: null,
      config: piece(`proxy_ssl_server_name on;\nproxy_ssl_name ${name};`, place(leg)),
    },
  ];
}

function wrongScheme(found: Case, evidence: Evidence): Fix[] {
  const target = evidence.targets.find(({ target: { id } }) => id === found.hop)?.target;
  if (target?.role !== "endpoint") return [];
  const other = target.scheme === "https" ? "http" : "https";
  const at = target.pool?.at;
  const leg = legOf(found, evidence);
  const name = leg?.pool?.name ?? found.address ?? "";
  return [
    {
      text: `The gateway speaks ${target.scheme === "https" ? "TLS" : "plain HTTP"} to ${found.address ?? "it"}, which speaks ${other === "https" ? "TLS" : "plain HTTP"}: make it ${other}${at ? ` (${at.file}:${at.line})` : ""}.`,
      command: null,
      config: leg?.software === "nginx" ? piece(`proxy_pass ${other}://${name};`, place(leg)) : null,
    },
  ];
}

function slow(found: Case, evidence: Evidence): Fix[] {
  const tried = evidence.targets
    .find(({ target: { id } }) => id === found.hop)
    ?.http.find(({ what }) => what === "baseline");
  const took = tried?.timings.headMs ?? null;
  if (took === null || tried?.failure) return [];
  return [
    {
      text: `It answers after ${span(took)}. Find out what takes so long there (a query, a lock, another service); a longer timeout only makes visitors wait. Where such requests are meant to take that long, raise the gateway's timer above it, and those of all hops before it.`,
      command: null,
      config: null,
    },
  ];
}

/** The health path fails where visitors' path works: the check is what takes the member out. */
function checkFails(found: Case, evidence: Evidence): Fix[] {
  const seen = evidence.targets.find(({ target: { id } }) => id === found.hop);
  const health = seen?.http.find(({ what }) => what === "health");
  const path = seen?.target.pool?.healthPath;
  if (!health || !path || (health.status !== null && health.status < 400)) return [];
  const at = legOf(found, evidence)?.pool?.health?.at;
  const said = health.status === null ? "no answer" : `status ${health.status}`;
  const where = at ? ` (${at.file}:${at.line})` : "";
  return [
    {
      text: `The check asks for ${path}${where} and gets ${said}: make that path answer 200 while the application is well, or let the check ask for one that does.`,
      command: null,
      config: null,
    },
  ];
}

function buffers(found: Case, evidence: Evidence): Fix[] {
  const bytes = evidence.targets.find(({ target: { id } }) => id === found.hop)?.http[0]?.headBytes ?? 0;
  const leg = legOf(found, evidence) ?? evidence.way[0] ?? null;
  if (leg && leg.software !== "nginx") return [];
  const kib = Math.max(16, 2 ** Math.ceil(Math.log2(Math.max(bytes, 1) / 1024 + 1)));
  return [
    {
      text: `Give the gateway a buffer that takes the whole head${bytes > 0 ? ` (${bytes.toLocaleString("en")} bytes)` : ""}, and look at why it is so large: usually cookies that grow.`,
      command: null,
      config: piece(
        `proxy_buffer_size ${kib}k;\nproxy_buffers 8 ${kib}k;\nproxy_busy_buffers_size ${kib * 2}k;`,
        place(leg),
      ),
    },
  ];
}
