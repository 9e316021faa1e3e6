// `goodgate lab`: starts the misbehaving upstream in the foreground and says in a few lines what can be tried.
import colors from "picocolors";
import { FAULT_NAMES } from "../lab/faults.ts";
import { type Lab, startLab } from "../lab/server.ts";

/** Where the lab listens where nothing else was said. */
export const LAB_LISTEN = "127.0.0.1:8503";

export interface LabCommand {
  /** "127.0.0.1:8503", ":8503" (loopback), "8503" or "[::1]:8503". */
  readonly listen?: string;
}

/** Runs until SIGINT or SIGTERM; resolves with the exit code. */
export async function runLab({ listen = LAB_LISTEN }: LabCommand = {}): Promise<number> {
  const place = readPlace(listen);
  if (place === null) {
    process.stderr.write(`goodgate lab: ${JSON.stringify(listen)} is no address; use HOST:PORT, as in ${LAB_LISTEN}\n`);
    return 2;
  }
  let lab: Lab;
  try {
    lab = await startLab(place);
  } catch (error) {
    process.stderr.write(`goodgate lab: ${cannotListen(error as NodeJS.ErrnoException, listen)}\n`);
    return 2;
  }
  process.stdout.write(introduction(lab));
  await new Promise<void>((resolve) => process.once("SIGINT", resolve).once("SIGTERM", resolve));
  await lab.close();
  return 0;
}

/** Host and port of an address; without a host, loopback: a lab is nobody else's business. null = no address. */
export function readPlace(listen: string): { host: string; port: number } | null {
  const match = /^(?:(\[[0-9a-f:.]+\]|[^:[\]]*):)?(\d{1,5})$/i.exec(listen);
  const port = Number(match?.[2]);
  if (!match || port > 65_535) return null;
  return { host: (match[1] || "127.0.0.1").replace(/[[\]]/g, ""), port };
}

function cannotListen(error: NodeJS.ErrnoException, listen: string): string {
  if (error.code === "EADDRINUSE")
    return `${listen} is taken; stop what listens there, or choose another with --listen`;
  if (error.code === "EACCES") return `no permission to listen on ${listen}; choose a port above 1023 with --listen`;
  return `cannot listen on ${listen}: ${error.message}`;
}

/** What is printed at the start. */
export function introduction(lab: Lab): string {
  const { url, address } = lab;
  const command = (text: string) => "  " + colors.cyan(text) + "\n";
  return (
    `\n${colors.bold("Goodgate lab")}: an upstream with ${FAULT_NAMES.length} faults, at ${colors.underline(url + "/lab/")}\n\n` +
    "Put a gateway in front of it:\n" +
    command(`goodgate run http://${address}`) +
    "One request that fails, by path or by header:\n" +
    command("curl -i http://localhost:8080/lab/fault/reset-mid-body") +
    command("curl -i http://localhost:8080/ -H 'X-Lab-Fault: stall-head; ms=5000'") +
    "The next three requests:\n" +
    command(`curl -X POST '${url}/lab/next?fault=close-before-head&count=3'`) +
    "An address with a fault of its own (nothing listens, an expired certificate, …):\n" +
    command(`curl -X POST '${url}/lab/listen?fault=tls-expired'`) +
    "What arrived:\n" +
    command(`curl ${url}/lab/deliveries`) +
    "\nStop with Ctrl-C.\n"
  );
}
