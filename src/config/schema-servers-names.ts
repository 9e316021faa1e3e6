// Names of servers: exact, "*.example.com", ".example.com", "www.example.*", "~ ^www\d+\." as a regular expression.
import { errorOf } from "./address.ts";
import { type Form, nameOf, pattern, patternFrom, patternText, textForm } from "./forms.ts";
import { plainName, plainNameText } from "./server-name.ts";
import type { LocationMatch, ServerName } from "./servers.ts";

/** A host name, with what a star and a dot at its ends mean. */
export const serverName: Form<ServerName> = {
  ...textForm<ServerName>(
    "a host name",
    (written) => {
      const regex = patternFrom(written);
      if (regex) return "message" in regex ? regex : { kind: "pattern", ...regex };
      const name = plainName(written);
      return name.kind === "exact" && name.name.includes("*")
        ? errorOf(
            `"${written}" is no name of a server`,
            'a star stands for the first or the last label: "*.example.com", "www.example.*"',
          )
        : name;
    },
    nameText,
    { unit: "host name" },
  ),
  visit: (raw, path, see) => {
    if (/^~/.test(String(raw))) pattern.visit?.(raw, path, see);
  },
};

/** The name as serverName reads it. */
function nameText(name: ServerName): string {
  return name.kind === "pattern" ? patternText(name) : plainNameText(name);
}

/** What $server_name is where nobody says: the first name. */
export function firstName(names: readonly ServerName[]): string {
  const [first] = names;
  if (!first) return "";
  if (first.kind === "pattern") return `~${first.source}`;
  return first.kind === "below-or-same" ? first.name : nameText(first);
}

/** What a location matches: "= /a", "^~ /a/", "~ \.php$", "~* \.png$", "@name", or a prefix. A backslash takes the meaning off. */
export const locationMatch: Form<LocationMatch> = {
  ...textForm<LocationMatch>(
    "what the location matches",
    (written) => {
      const regex = patternFrom(written);
      if (regex) return "message" in regex ? regex : { kind: "pattern", ...regex };
      const [, modifier, path = ""] = /^(= ?|\^~ ?|@|\\)?(.*)$/s.exec(written)!;
      if (modifier === "@") return { kind: "named", name: written };
      if (modifier?.startsWith("=")) return { kind: "exact", path };
      return { kind: "prefix", path, final: modifier?.startsWith("^~") ?? false, redirectBare: false };
    },
    matchText,
    { unit: "location" },
  ),
  visit: (raw, path, see) => {
    if (/^~/.test(String(raw))) pattern.visit?.(raw, path, see);
    if (/^@/.test(String(raw))) nameOf("target").visit?.(raw, path, see);
  },
};

/** As locationMatch reads it. */
function matchText(match: LocationMatch): string {
  switch (match.kind) {
    case "pattern":
      return patternText(match);
    case "named":
      return match.name;
    case "exact":
      return `= ${match.path}`;
    case "prefix":
      if (match.final) return `^~ ${match.path}`;
      return /^[=^~@\\]/.test(match.path) ? `\\${match.path}` : match.path;
  }
}
