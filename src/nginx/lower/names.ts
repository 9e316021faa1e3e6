// Names of hosts as `server_name`, `map … hostnames` and `valid_referers` have them: exact, "*.a.b", ".a.b", "a.*".
import type { ServerName } from "../../config/servers.ts";

/** What a name stands for; undefined = nginx calls it invalid. Names are lower case. */
export function hostName(text: string): ServerName | undefined {
  const name = text.toLowerCase();
  const stars = name.split("*").length - 1;
  if (stars > 1 || name.includes("..") || name.includes("\0")) return undefined;
  if (name.length > 1 && name.startsWith("."))
    return stars ? undefined : { kind: "below-or-same", name: name.slice(1) };
  if (name.length > 2 && name.startsWith("*.")) return { kind: "below", name: name.slice(2) };
  if (name.length > 2 && name.endsWith(".*")) return { kind: "any-end", name: name.slice(0, -2) };
  return stars ? undefined : { kind: "exact", name };
}

/** Names with a key in common are in each other's way: ".a" is "a" and "*.a". */
export function nameKeys(name: ServerName): string[] {
  if (name.kind === "pattern") return [];
  if (name.kind === "below-or-same") return [`exact ${name.name}`, `below ${name.name}`];
  return [`${name.kind} ${name.name}`];
}
