// The hops that left a mark on a response, outermost first: CDNs, then balancers, then gateways, then the application;
// within one kind Via decides, which every hop adds to at its end on the way back, and then the order of the fields. A
// mark is a field that only this program adds, never a field of the application that anybody may send.
import { type HopKind, SOFTWARE, type SoftwareId, softwareOf } from "../software.ts";
import type { PassedHop } from "./model.ts";
import { statusHops } from "./proxy-status-hop.ts";
import type { Seen } from "./response.ts";

interface Mark {
  readonly field: string;
  readonly value: RegExp;
  readonly software: SoftwareId;
  /** Which group of the pattern names the instance, the place or the request. */
  readonly name?: number;
}

const ANY = /^(\S[\s\S]{0,200})/;

const MARKS: readonly Mark[] = [
  { field: "cf-ray", value: /^([0-9a-f]{12,20}(?:-[A-Z]{3})?)/, software: "cloudflare", name: 1 },
  { field: "server", value: /^cloudflare(?:-nginx)?$/i, software: "cloudflare" },
  { field: "x-amz-cf-pop", value: /^([A-Z0-9-]{3,12})/, software: "cloudfront", name: 1 },
  { field: "x-amz-cf-id", value: ANY, software: "cloudfront" },
  { field: "server", value: /^CloudFront$/i, software: "cloudfront" },
  { field: "x-served-by", value: /(cache-[a-z]{2,4}[\w-]{2,40})\s*$/, software: "fastly", name: 1 },
  { field: "x-timer", value: /^S\d{9,}\.\d+,VS\d/, software: "fastly" },
  { field: "x-fastly-request-id", value: ANY, software: "fastly", name: 1 },
  { field: "server", value: /^AkamaiGHost$/i, software: "akamai" },
  { field: "akamai-grn", value: ANY, software: "akamai", name: 1 },
  { field: "x-akamai-request-id", value: ANY, software: "akamai", name: 1 },
  { field: "akamai-cache-status", value: ANY, software: "akamai" },
  { field: "server-timing", value: /\bak_p;/, software: "akamai" },
  { field: "x-azure-ref", value: ANY, software: "azure-front-door", name: 1 },
  { field: "x-nf-request-id", value: ANY, software: "netlify", name: 1 },
  { field: "server", value: /^Netlify$/i, software: "netlify" },
  { field: "x-vercel-id", value: ANY, software: "vercel", name: 1 },
  { field: "server", value: /^Vercel$/i, software: "vercel" },
  { field: "server", value: /^awselb\//i, software: "aws-alb" },
  { field: "set-cookie", value: /(?:^|, )AWSALB(?:TG|APP-\d)?(?:CORS)?=/, software: "aws-alb" },
  { field: "x-amz-apigw-id", value: ANY, software: "aws-api-gateway", name: 1 },
  { field: "apigw-requestid", value: ANY, software: "aws-api-gateway", name: 1 },
  { field: "server", value: /^(?:Google Frontend|gws|GFE\/[\d.]+)$/i, software: "google-lb" },
  { field: "server", value: /^Microsoft-Azure-Application-Gateway\//i, software: "azure-app-gateway" },
  { field: "set-cookie", value: /(?:^|, )ApplicationGatewayAffinity(?:CORS)?=/, software: "azure-app-gateway" },
  { field: "server", value: /^heroku-router$/i, software: "heroku" },
  { field: "reporting-endpoints", value: /heroku-nel/, software: "heroku" },
  { field: "server", value: /^(?:nginx|openresty|tengine|angie)\b/i, software: "nginx" },
  { field: "server", value: /^(?:istio-)?envoy$/i, software: "envoy" },
  { field: "x-envoy-upstream-service-time", value: ANY, software: "envoy" },
  { field: "x-envoy-decorator-operation", value: ANY, software: "envoy" },
  { field: "server", value: /^Caddy$/i, software: "caddy" },
  { field: "server", value: /^Apache\b(?!-Coyote)/, software: "apache" },
  { field: "x-varnish", value: /^\d+/, software: "varnish" },
  { field: "x-kong-upstream-latency", value: ANY, software: "kong" },
  { field: "x-kong-response-latency", value: ANY, software: "kong" },
  { field: "x-kong-request-id", value: ANY, software: "kong", name: 1 },
  { field: "server", value: /^kong\//i, software: "kong" },
  { field: "server", value: /^Microsoft-(?:IIS|HTTPAPI)\//i, software: "iis" },
  { field: "server", value: /^squid\//i, software: "squid" },
  { field: "x-squid-error", value: ANY, software: "squid" },
  { field: "x-powered-by", value: /^Express/i, software: "express" },
  { field: "x-powered-by", value: /^Next\.js/i, software: "nextjs" },
  { field: "x-powered-by", value: /^PHP\//i, software: "php-fpm" },
  { field: "server", value: /^gunicorn/i, software: "gunicorn" },
  { field: "server", value: /^(?:uvicorn|hypercorn|daphne)/i, software: "uvicorn" },
  { field: "server", value: /^Kestrel/i, software: "kestrel" },
  { field: "server", value: /^Jetty/i, software: "jetty" },
  { field: "server", value: /^Apache-Coyote/i, software: "tomcat" },
  { field: "server", value: /^(?:Puma|Phusion Passenger|Thin)/i, software: "puma" },
];

/** Pseudonyms and comments of Via; "varnish" alone is Fastly's too. */
const VIA: readonly (readonly [pattern: RegExp, software: SoftwareId])[] = [
  [/\.cloudfront\.net\b|\(CloudFront\)/i, "cloudfront"],
  [/\bvarnish\b/i, "varnish"],
  [/\bvegur\b|\bheroku-router\b/i, "heroku"],
  [/^google$/i, "google-lb"],
  [/\(squid(?:\/|\))/i, "squid"],
  [/^caddy$/i, "caddy"],
  [/^kong(?:\/|$)/i, "kong"],
  [/^goodgate\b/i, "goodgate"],
  [/^azure$/i, "azure-front-door"],
  [/akamai/i, "akamai"],
  [/^envoy$/i, "envoy"],
  [/^haproxy\b/i, "haproxy"],
  [/^traefik\b/i, "traefik"],
  [/^nginx\b/i, "nginx"],
];

const RANK: Readonly<Record<HopKind, number>> = { client: 0, cdn: 1, balancer: 2, gateway: 3, app: 4, database: 5 };
const MARK_MAX = 160;

/** The hops that marked a response, outermost first, each once. */
export function passedHops(seen: Seen): readonly PassedHop[] {
  const fastly = MARKS.some(({ software, field, value }) => software === "fastly" && value.test(seen.field(field)));
  const found = [...viaHops(seen, fastly), ...statusFieldHops(seen), ...fieldHops(seen)].filter(
    // Every cache of Fastly has a number of its own beside X-Varnish.
    ({ software }) => !(fastly && software === "varnish"),
  );
  const first = new Map<SoftwareId, PassedHop>();
  for (const hop of found) {
    const known = first.get(hop.software);
    if (!known) first.set(hop.software, hop);
    else if (known.name === null && hop.name !== null) first.set(hop.software, hop);
  }
  return inOrder([...first.values()]);
}

/** Outermost first; hops of one kind stay as they stand. */
export function inOrder(hops: readonly PassedHop[]): readonly PassedHop[] {
  return [...hops].sort((one, other) => rank(one) - rank(other));
}

const rank = ({ software }: PassedHop): number => RANK[SOFTWARE[software].kind];

function fieldHops(seen: Seen): PassedHop[] {
  const hops: PassedHop[] = [];
  for (const [field, line] of seen.fields) {
    for (const { field: wanted, value, software, name } of MARKS) {
      if (wanted !== field) continue;
      const match = value.exec(line);
      if (match)
        hops.push({ software, mark: markOf(field, line), name: name === undefined ? null : (match[name] ?? null) });
    }
  }
  return hops;
}

/** "1.1 varnish, 1.1 0123.cloudfront.net (CloudFront)": the last is the outermost. */
function viaHops(seen: Seen, fastly: boolean): PassedHop[] {
  const hops: PassedHop[] = [];
  for (const entry of seen.field("via").split(",").slice(-20).reverse()) {
    const [, pseudonym = "", comment = ""] =
      /^\s*(?:[\w]+\/)?[\d.]+ ([^\s()]{1,120})\s*(\([^)]{0,80}\))?/.exec(entry) ?? [];
    const software =
      VIA.find(([pattern]) => pattern.test(pseudonym) || pattern.test(comment))?.[1] ?? softwareOf(pseudonym);
    if (pseudonym === "" || !software) continue;
    const exact = software === "varnish" && fastly ? "fastly" : software;
    hops.push({
      software: exact,
      mark: markOf("via", entry.trim()),
      name: softwareOf(pseudonym) === null ? pseudonym : null,
    });
  }
  return hops;
}

function statusFieldHops(seen: Seen): PassedHop[] {
  return statusHops(seen.field("proxy-status")).hops.flatMap(({ software, name, error }) =>
    software === null
      ? []
      : [
          {
            software,
            mark: `Proxy-Status: ${name}${error === null ? "" : `; error=${error}`}`.slice(0, MARK_MAX),
            name,
          },
        ],
  );
}

const UPPER: Readonly<Record<string, string>> = { cf: "CF", ray: "RAY", id: "Id", nf: "NF", grn: "GRN" };

/** "cf-ray" → "CF-RAY: …", as people know the fields. Cookies are not shown. */
function markOf(field: string, value: string): string {
  const name = field.replace(/[a-z]+/g, (word) => UPPER[word] ?? `${word[0]?.toUpperCase()}${word.slice(1)}`);
  if (field === "set-cookie")
    return `${name}: ${/(?:AWSALB|ApplicationGatewayAffinity)[A-Z0-9-]*/.exec(value)?.[0] ?? ""}`;
  return `${name}: ${value}`.slice(0, MARK_MAX);
}
