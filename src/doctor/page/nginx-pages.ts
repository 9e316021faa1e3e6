// Pages in the style of nginx: a title, a heading, a line and the name of the program. Several services were built from
// nginx and kept the style with a name of their own, so the last line decides whose page it is. A page counts only as a
// whole: text about such a page, or a page built around its heading, is somebody else's.
import type { SoftwareId } from "../software.ts";
import { type Detector, type Fingerprint, likely, proven } from "./fingerprint.ts";
import type { StatedCause } from "./model.ts";
import type { Seen } from "./response.ts";

const PAGE =
  /^<html>\s*<head>\s*<title>(\d{3})(?: [^<]{1,80})?<\/title>\s*<\/head>\s*<body(?: bgcolor="white")?>\s*<center>\s*<h1>\d{3}(?: [^<]{1,80})?<\/h1>\s*<\/center>\s*(?:<center>([^<]{1,120})<\/center>\s*)?(?:<hr>\s*<center>([^<]{1,80})<\/center>\s*)?<\/body>\s*<\/html>(?:\s*<!-- [^<>]{1,80} -->){0,6}$/i;

/** The last line → whose page it is. */
const NAMES: readonly (readonly [pattern: RegExp, software: SoftwareId, name: string])[] = [
  [/^(?:nginx|freenginx)(?:\/[\w.]+)?(?: \([^()]*\))?$/i, "nginx", "nginx"],
  [/^openresty(?:\/[\w.]+)?$/i, "nginx", "openresty"],
  [/^(?:tengine|angie)(?:\/[\w.]+)?(?: .*)?$/i, "nginx", "an nginx descendant"],
  [/^cloudflare(?:-nginx)?$/i, "cloudflare", "Cloudflare"],
  [/^Microsoft-Azure-Application-Gateway\/v\d$/i, "azure-app-gateway", "Azure Application Gateway"],
  [/^CloudFront$/i, "cloudfront", "CloudFront"],
  [/^kong(?:\/[\w.]+)?$/i, "kong", "Kong"],
  [/^goodgate(?:\/[\w.]+)?$/i, "goodgate", "Goodgate"],
];

/** A page in the style of nginx, by whose name stands on it. */
export const nginxStyle: Detector = (seen) => {
  const match = PAGE.exec(seen.body);
  if (!match) return null;
  const status = match[1] ?? "";
  const footer = match[3]?.trim();
  if (footer === undefined) return withoutName(seen, status);
  const known = NAMES.find(([pattern]) => pattern.test(footer));
  const [software, name] = known
    ? [known[1], known[2]]
    : (["nginx", `an nginx that calls itself "${footer}"`] as const);
  const inner = software === "nginx" ? innerNginx(seen.server, footer.toLowerCase()) : "";
  return {
    software,
    certainty: known ? "proven" : "likely",
    reason: `the body is the ${status} page of ${name}${inner}`,
    stated: statedBy(match[2] ?? "", seen),
  };
};

/** AWS load balancers leave the line out; others who build their page from nginx's could too. */
function withoutName(seen: Seen, status: string): Fingerprint | null {
  const own = /\bawselb\//.test(seen.server);
  return {
    software: "aws-alb",
    certainty: own ? "proven" : "likely",
    reason: `the body is the ${status} page of an AWS load balancer${own ? "" : ": nginx's without a name below it"}`,
    stated: null,
  };
}

/** The outer of two nginx puts its own name into Server, and leaves the page of the inner one as it is. */
function innerNginx(server: string, footer: string): string {
  if (!/^(?:nginx|openresty)(?:\/|$)/.test(server) || server.split(" ", 1)[0] === footer.split(" ", 1)[0]) return "";
  return `, of another nginx than the one that sent it: Server says "${server}", the page "${footer}"`;
}

const LINES: readonly (readonly [pattern: RegExp, stated: (text: string) => StatedCause])[] = [
  [/plain HTTP request was sent to HTTPS port/i, (text) => proven("tls-plaintext-mismatch", text)],
  [/Request Header Or Cookie Too Large/i, (text) => proven("client-request-too-large", text)],
  [
    /SSL certificate error|No required SSL certificate was sent/i,
    (text) => likely(text, "request-denied", "gateway-config-invalid"),
  ],
];

function statedBy(line: string, seen: Seen): StatedCause | null {
  const stated = LINES.find(([pattern]) => pattern.test(line))?.[1](line);
  if (stated) return stated;
  if (seen.status === 413 || seen.status === 414) return proven("client-request-too-large", `status ${seen.status}`);
  if (seen.status === 429) return proven("rate-limited", "status 429");
  return null;
}

/** The controllers of Kubernetes that answer where no Ingress fits. */
export const ingressDefault: Detector = ({ body, status }) =>
  body === "default backend - 404" && status === 404
    ? {
        software: "nginx",
        certainty: "proven",
        reason:
          "the body is that of the default backend of a Kubernetes ingress controller: no Ingress fits the request",
        stated: proven("route-not-found", "default backend - 404"),
      }
    : null;
