// proxy_redirect and proxy_cookie_*: what an upstream says of addresses and cookies, said for the client's side.
import type { CompiledText } from "../../variables/subject.ts";
import type { ProxyPlan } from "./plan.ts";
import type { ServerRequest } from "./request.ts";
import { absoluteLocation } from "./special.ts";

/** A value that is looked for, and what comes in its place. */
export interface ReplaceRule {
  /** A text that the value begins with (or is, for domains), or a pattern. */
  readonly from: CompiledText | ((request: ServerRequest, text: string) => boolean);
  readonly to: CompiledText;
}

export interface CookieFlagsRule {
  readonly cookie: ReplaceRule["from"];
  readonly flags: readonly CompiledText[];
}

/** A Location after the first rule that fits; a path is made absolute as those of our own are. */
export function changeLocation(request: ServerRequest, proxy: ProxyPlan, value: string): string {
  const changed = replaceStart(request, proxy.redirects, value);
  return changed === null ? value : absoluteLocation(request, changed);
}

/** The URL of a Refresh after the first rule that fits. */
export function changeRefresh(request: ServerRequest, proxy: ProxyPlan, url: string): string {
  return replaceStart(request, proxy.redirects, url) ?? url;
}

function replaceStart(request: ServerRequest, rules: readonly ReplaceRule[], value: string): string | null {
  for (const { from, to } of rules) {
    if (typeof from === "function") {
      if (from(request, value)) return to.render(request.subject);
      continue;
    }
    const start = from.render(request.subject);
    if (value.startsWith(start)) return to.render(request.subject) + value.slice(start.length);
  }
  return null;
}

/** A domain without regard to case and to a dot in front. */
function replaceDomain(request: ServerRequest, rules: readonly ReplaceRule[], value: string): string | null {
  const domain = value.startsWith(".") ? value.slice(1) : value;
  for (const { from, to } of rules) {
    if (typeof from === "function") {
      if (from(request, value)) return to.render(request.subject);
    } else if (from.render(request.subject).toLowerCase() === domain.toLowerCase()) {
      const rendered = to.render(request.subject);
      return value.startsWith(".") && !rendered.startsWith(".") ? `.${rendered}` : rendered;
    }
  }
  return null;
}

/** An attribute of a cookie: value undefined = it has none; null in its place = it is left out. */
interface Attribute {
  key: string;
  value: string | undefined;
}

/** A Set-Cookie after the rules for domains, paths and flags. */
export function changeCookie(request: ServerRequest, proxy: ProxyPlan, text: string): string {
  const attributes = parseCookie(text);
  const [cookie, ...rest] = attributes;
  if (!cookie || cookie.value === undefined) return text;
  let changed = false;
  for (const attribute of rest) {
    if (attribute.value === undefined) continue;
    const key = attribute.key.toLowerCase();
    const value =
      key === "domain"
        ? replaceDomain(request, proxy.cookieDomains, attribute.value)
        : key === "path"
          ? replaceStart(request, proxy.cookiePaths, attribute.value)
          : null;
    if (value === null) continue;
    attribute.value = value;
    changed = true;
  }
  const flags = flagsFor(request, proxy, cookie.key);
  if (flags.size === 0 && !changed) return text;
  return [cookie, ...editFlags(rest, flags)]
    .map(({ key, value }) => (value === undefined ? key : `${key}=${value}`))
    .join("; ");
}

function parseCookie(text: string): Attribute[] {
  return text.split(";").map((part) => {
    const trimmed = part.trim();
    const equals = trimmed.indexOf("=");
    return equals < 0
      ? { key: trimmed, value: undefined }
      : { key: trimmed.slice(0, equals), value: trimmed.slice(equals + 1) };
  });
}

function flagsFor(request: ServerRequest, proxy: ProxyPlan, name: string): ReadonlySet<string> {
  const rule = proxy.cookieFlags.find(({ cookie }) =>
    typeof cookie === "function"
      ? cookie(request, name)
      : cookie.render(request.subject).toLowerCase() === name.toLowerCase(),
  );
  if (!rule) return new Set();
  return new Set(rule.flags.map((flag) => flag.render(request.subject).toLowerCase()).filter((flag) => flag !== ""));
}

const SAME_SITE: Readonly<Record<string, string>> = {
  "samesite=strict": "Strict",
  "samesite=lax": "Lax",
  "samesite=none": "None",
};

function editFlags(attributes: readonly Attribute[], flags: ReadonlySet<string>): Attribute[] {
  const wanted = Object.keys(SAME_SITE).find((flag) => flags.has(flag));
  const kept = attributes.flatMap((attribute) => {
    const key = attribute.key.toLowerCase();
    if (key === "secure" && flags.has("nosecure")) return [];
    if (key === "httponly" && flags.has("nohttponly")) return [];
    if (key !== "samesite") return [attribute];
    if (wanted) {
      const value = SAME_SITE[wanted]!;
      return [attribute.value?.toLowerCase() === value.toLowerCase() ? attribute : { key: "SameSite", value }];
    }
    return flags.has("nosamesite") ? [] : [attribute];
  });
  const has = (name: string): boolean => kept.some(({ key }) => key.toLowerCase() === name);
  if (flags.has("secure") && !has("secure")) kept.push({ key: "Secure", value: undefined });
  if (flags.has("httponly") && !has("httponly")) kept.push({ key: "HttpOnly", value: undefined });
  if (wanted && !has("samesite")) kept.push({ key: "SameSite", value: SAME_SITE[wanted] });
  return kept;
}
