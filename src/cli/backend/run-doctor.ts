// doctor from the console: a process of its own, so that its probes and the reading of large configurations cost the
// traffic nothing, and so that whoever leaves the page ends it. It is asked about this gateway's own listeners and the
// endpoints that the configuration names, and nothing else.
import { spawn } from "node:child_process";
import { formatAddress } from "../../config/address.ts";
import type { Address, Config, UpstreamConfig } from "../../config/config.ts";
import type { DoctorRequest } from "../../console/model.ts";

const OUTPUT_MAX = 16 * 1024 * 1024;
const ORIGINS_MAX = 8;

/** What doctor is to be asked; an Error where the request names what the configuration does not have. */
export function doctorArguments(
  request: DoctorRequest,
  config: Config,
  ports: readonly number[],
  file: string | null,
): string[] {
  const upstream = upstreamOf(config, request.upstream);
  const path = request.path ?? "/";
  if (!/^\/(?!\/)[\x21-\x7e]*$/.test(path)) throw new Error('path: it begins with one "/" and has no spaces');
  const at = listenerUrl(config, ports);
  if (at === null) throw new Error("this gateway has no TCP listener that doctor could ask");
  const origins = upstream.endpoints
    .flatMap(({ address }) => (address.kind === "tcp" ? [originOf(address, upstream)] : []))
    .slice(0, ORIGINS_MAX);
  return [
    // An upstream's redirect is its own word: followed, it would lead doctor to what only this machine reaches.
    ...["doctor", `${at}${path}`, "--json", "--local", "--no-redirects"],
    ...origins.flatMap((origin) => ["--origin", origin]),
    ...(file === null ? [] : ["--config", file]),
  ];
}

function upstreamOf(config: Config, name: string | undefined): UpstreamConfig {
  const found = name === undefined ? [...config.upstreams.values()][0] : config.upstreams.get(name);
  if (found) return found;
  const names = [...config.upstreams.keys()].slice(0, 10).join(", ") || "none";
  throw new Error(`upstream: there is no upstream "${name ?? ""}"; there are: ${names}`);
}

/** Where doctor meets this gateway as its clients do: on this machine. */
function listenerUrl({ listeners }: Config, ports: readonly number[]): string | null {
  for (const [index, { address, tls, serversTls = false }] of listeners.entries()) {
    if (address.kind !== "tcp") continue;
    const everywhere = address.host === "" || address.host === "0.0.0.0" || address.host === "::";
    const host = everywhere ? "127.0.0.1" : formatAddress({ ...address, port: 1 }).replace(/:1$/, "");
    return `${tls || serversTls ? "https" : "http"}://${host}:${ports[index] ?? address.port}`;
  }
  return null;
}

function originOf(address: Extract<Address, { kind: "tcp" }>, { tls }: UpstreamConfig): string {
  return `${tls ? "https://" : ""}${formatAddress(address)}`;
}

/** Runs it and gives its document; rejects where it was cancelled or could not look. */
export function runDoctor(args: readonly string[], signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [process.argv[1]!, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      signal,
      killSignal: "SIGKILL",
      env: { ...process.env, NO_COLOR: "1" },
    });
    const output: Buffer[] = [];
    let size = 0;
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > OUTPUT_MAX) child.kill("SIGKILL");
      else output.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2_000);
    });
    child.once("error", (error) => reject(signal.aborted ? new Error("doctor was stopped") : error));
    child.once("close", (code) => {
      if (size > OUTPUT_MAX) return reject(new Error("doctor's report is too large for the page"));
      try {
        resolve(JSON.parse(Buffer.concat(output).toString()));
      } catch {
        reject(new Error(said.trim() || `doctor ended with code ${code ?? "none"}`));
      }
    });
  });
}
