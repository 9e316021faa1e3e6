// Findings about paths: a slash that is on one side only, and a ProxyPass that no request reaches.
import { risk } from "../finding.ts";
import type { Finding } from "../model.ts";
import { type Forward, isVariable, type Target } from "./forwards.ts";

/** What stands behind the path is put behind the URL, as it is. */
export function slashFindings({ kind, path, at, directive }: Forward, target: Target): Finding[] {
  if (kind !== "ProxyPass" || path.kind !== "prefix" || isVariable(target)) return [];
  if (/^(?:balancer|fcgi|uwsgi|scgi|ajp)$/.test(target.scheme) && target.path === "") return [];
  const [from, to] = [path.text, target.path];
  const url = target.text;
  const place = directive.places.find((_, index) => directive.args[index] === url) ?? at;
  const fromEnds = from.endsWith("/");
  if (fromEnds === to.endsWith("/") || (!fromEnds && to === "")) return [];
  const asked = `${from}${fromEnds ? "" : "/"}cart`;
  const becomes = `${url}${fromEnds ? "cart" : "/cart"}`;
  const isHost = fromEnds && to === "";
  return [
    risk({
      id: "apache-slash",
      class: isHost ? "dns-not-resolved" : "upstream-error-passthrough",
      text: isHost
        ? `"${from}" ends with a slash and "${url}" does not: ${asked} is forwarded to ${becomes}, whose host does not exist`
        : `"${from}" ${fromEnds ? "ends" : "does not end"} with a slash and "${url}" ${fromEnds ? "does not" : "does"}: ${asked} is forwarded to ${becomes}`,
      fix: fromEnds ? `write "${url}/"` : `write "${url.replace(/\/$/, "")}"${from === "/" ? "" : `, or "${from}/"`}`,
      at: place,
    }),
  ];
}

/** Those that are reached. */
export function reached(forwards: readonly Forward[]): readonly Forward[] {
  const never = new Set(shadowed(forwards).map(({ later }) => later));
  return never.size === 0 ? forwards : forwards.filter((each) => !never.has(each));
}

/** The first ProxyPass that fits is taken: those behind a shorter one are never reached. */
export function shadowFindings(forwards: readonly Forward[]): Finding[] {
  return shadowed(forwards).map(({ later, earlier }) =>
    risk({
      id: "apache-shadowed",
      class: "upstream-error-passthrough",
      text: `"ProxyPass ${later.path.text}" is never reached: "ProxyPass ${earlier.path.text}" stands before it and takes its requests${earlier.target ? ` to ${earlier.target.text}` : ""}`,
      fix: `put "ProxyPass ${later.path.text}" in front of it: longer paths first`,
      at: later.at,
      also: earlier.at,
    }),
  );
}

function shadowed(forwards: readonly Forward[]): { readonly later: Forward; readonly earlier: Forward }[] {
  // In a <Location> the path is that of the section, and the last section that fits is taken.
  const passes = forwards.filter(
    ({ kind, path, directive }) => kind === "ProxyPass" && path.kind === "prefix" && directive.args.includes(path.text),
  );
  return passes.flatMap((later, index) => {
    const earlier = passes
      .slice(0, index)
      .find((each) => covers(each.path.text, later.path.text) && each.target?.text !== later.target?.text);
    return earlier ? [{ later, earlier }] : [];
  });
}

/** Apache compares whole segments, unless the path ends with a slash. */
function covers(short: string, long: string): boolean {
  if (short === long) return true;
  if (!long.startsWith(short)) return false;
  return short.endsWith("/") || long[short.length] === "/";
}
