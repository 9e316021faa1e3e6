// Variables that one feature of a location makes, worked out when they are first asked for: secure links, numbers of
// visitors. A value stays as it was first seen, as it does in nginx.
import { checkSecretLink, checkSecureLink, type SecureLink } from "../../access/secure-link.ts";
import { readVisitor, type Visitor, visitorCookie, visitorText } from "../../access/visitor-id.ts";
import type { VisitorIdConfig } from "../../config/servers.ts";
import { wallMs } from "../date.ts";
import type { ServerRequest } from "./request.ts";
import type { ResponseHeader } from "./response-header.ts";

/** What was worked out for a request. */
export interface FeatureFacts {
  secureLink: SecureLink | null;
  visitor: Visitor | null;
}

/** The value of such a variable; undefined = not found. */
export function featureOf(request: ServerRequest, name: string): string | undefined {
  switch (name) {
    case "secure_link":
      return secureLinkOf(request).link;
    case "secure_link_expires":
      return request.features.secureLink?.expires;
    case "uid_got": {
      const config = visitorConfig(request.main);
      const got = config && visitorOf(request.main, config).got;
      return got ? visitorText(config.name, got) : undefined;
    }
    case "uid_set": {
      const config = visitorConfig(request.main);
      const set = config && config.mode !== "log" ? decideVisitor(request.main, config) : null;
      return set ? visitorText(config!.name, set) : undefined;
    }
    case "uid_reset":
      return "";
    default:
      return undefined;
  }
}

function secureLinkOf(request: ServerRequest): SecureLink {
  request.features.secureLink ??= lookAtLink(request);
  return request.features.secureLink;
}

function lookAtLink(request: ServerRequest): SecureLink {
  const { secureLink } = request.location.settings.access;
  if (!secureLink) return { link: undefined, expires: undefined };
  if (secureLink.kind === "secret") {
    const link = checkSecretLink(request.main.exchange.targetReceived, secureLink.secret);
    return { link, expires: undefined };
  }
  return checkSecureLink(request.render(secureLink.link), request.render(secureLink.md5), wallMs());
}

function visitorConfig({ location }: ServerRequest): VisitorIdConfig | null {
  return location.settings.response.visitorId ?? null;
}

function visitorOf(request: ServerRequest, { name }: VisitorIdConfig): Visitor {
  if (request.features.visitor) return request.features.visitor;
  const { visitor, problem } = readVisitor(request.subject.cookie(name.toLowerCase()));
  if (problem !== null) request.log("error", problem);
  request.features.visitor = visitor;
  return visitor;
}

function decideVisitor(request: ServerRequest, config: VisitorIdConfig): Buffer | null {
  const { subject, servers } = request;
  const visitor = visitorOf(request, config);
  const reset = servers.compiler.table.variable("uid_reset")?.(subject) ?? "";
  const place = {
    address: subject.serverAddress.startsWith("unix:") ? "" : subject.serverAddress,
    wallNowMs: wallMs(),
  };
  const before = visitor.reset;
  const set = servers.visitors.decide(config, visitor, reset, place);
  if (visitor.reset && !before && reset === "log")
    request.log("notice", `userid cookie "${visitorText(config.name, visitor.got!)}" was reset`);
  return set;
}

/** The cookie of a visitor that is given a number. */
export function addVisitorCookie(request: ServerRequest, header: ResponseHeader): void {
  const config = visitorConfig(request);
  if (!config || config.mode === "log") return;
  const set = decideVisitor(request, config);
  if (!set) return;
  header.add("Set-Cookie", visitorCookie(config, visitorOf(request, config), set, wallMs()));
  if (config.p3p !== "") header.add("P3P", config.p3p);
}
