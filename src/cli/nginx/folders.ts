// Folders that nginx makes when it starts: for bodies on disk and for caches.
import { chownSync, mkdirSync } from "node:fs";
import type { Config } from "../../config/config.ts";
import type { LocationConfig, LocationSettings, RewriteStep } from "../../config/servers.ts";
import { fileName } from "./files-on-disk.ts";
import type { Identity } from "./identity.ts";
import { systemError } from "./strerror.ts";

const MODE = 0o700;

/** Makes what is missing, for whoever serves; what nginx says of each that cannot be made. */
export function makeFolders(config: Config, identity: Identity | null): string[] {
  const complaints: string[] = [];
  for (const path of foldersOf(config)) {
    try {
      mkdirSync(fileName(path), { mode: MODE });
      if (identity) chownSync(fileName(path), identity.uid, identity.gid);
    } catch (error) {
      const { errno, text } = systemError(error);
      if ((error as NodeJS.ErrnoException).code !== "EEXIST")
        complaints.push(`mkdir() "${path}" failed (${errno}: ${text})`);
    }
  }
  return complaints;
}

function foldersOf({ servers }: Config): Set<string> {
  const folders = new Set(servers?.caches.map(({ path }) => path));
  const settings = ({ request }: LocationSettings): void => void folders.add(request.bodyTempPath);
  const steps = (program: readonly RewriteStep[]): void => {
    for (const step of program) {
      if (step.do !== "if") continue;
      if (step.settings) settings(step.settings);
      steps(step.then);
    }
  };
  const location = (each: LocationConfig): void => {
    settings(each.settings);
    if (each.limitExcept) settings(each.limitExcept.settings);
    steps(each.rewrite);
    each.locations.forEach(location);
  };
  for (const server of servers?.servers ?? []) {
    settings(server.settings);
    steps(server.rewrite);
    server.locations.forEach(location);
  }
  folders.delete("");
  return folders;
}
