// How servers and locations are called in logs, metrics and on pages: by these words they are found again.
import type { LocationConfig, ServerConfig } from "./servers.ts";

/** "shop.example"; "_" where it has no name. */
export function serverLabel({ name }: Pick<ServerConfig, "name">): string {
  return name === "" ? "_" : name;
}

/** "= /exact", "/prefix", "~ pattern", "@named". */
export function locationLabel({ match }: Pick<LocationConfig, "match">): string {
  switch (match.kind) {
    case "exact":
      return `= ${match.path}`;
    case "prefix":
      return match.path;
    case "pattern":
      return `~ ${match.source}`;
    case "named":
      return match.name;
  }
}
