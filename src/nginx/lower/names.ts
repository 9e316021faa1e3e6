// Names of hosts as `server_name`, `map … hostnames` and `valid_referers` have them: exact, "*.a.b", ".a.b", "a.*".
import { type PlainName, plainName } from "../../config/server-name.ts";

/** What a name stands for; undefined = nginx calls it invalid. Names are lower case. */
export function hostName(text: string): PlainName | undefined {
  const stars = text.split("*").length - 1;
  if (stars > 1 || text.includes("..") || text.includes("\0")) return undefined;
  const name = plainName(text);
  return name.name.includes("*") ? undefined : name;
}

/** Names with a key in common are in each other's way: ".a" is "a" and "*.a". */
export function nameKeys(name: PlainName): string[] {
  if (name.kind === "below-or-same") return [`exact ${name.name}`, `below ${name.name}`];
  return [`${name.kind} ${name.name}`];
}
