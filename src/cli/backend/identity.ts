// Which gateway this is, among those that may share a store, and in which folder it keeps things.
import { createHash } from "node:crypto";
import { homedir, hostname } from "node:os";
import { join, resolve } from "node:path";
import { formatAddress } from "../../config/address.ts";
import type { Config } from "../../config/config.ts";

/** The folder of what is kept: as told, as configured, or in the user's state folder (XDG). */
export function dataFolder(told: string | undefined, configured: string | null = null): string {
  if (told) return resolve(told);
  if (configured) return configured;
  const state = process.env["XDG_STATE_HOME"] || join(homedir(), ".local", "state");
  return join(state, "goodgate");
}

/** The same after a restart, another for another gateway: by its host and where it listens. */
export function gatewayId({ name, listeners, servers }: Config): string {
  const places = listeners.map(({ address }) => formatAddress(address)).sort();
  const what = JSON.stringify([hostname(), name, places, servers !== null]);
  return createHash("sha256").update(what).digest("hex").slice(0, 12);
}
