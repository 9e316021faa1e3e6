// Whether doctor runs on the gateway's own machine, and how that is known. Certain are: the user says so, a process of
// the gateway's program holds a configured address, a process id file that is alive, an address of the URL that is this
// machine's. A program of the right name alone makes it possible; an address of the URL that is elsewhere says nothing
// where a balancer, a CDN or address translation stands before the gateway.
import { SOFTWARE, type SoftwareId } from "../software.ts";
import type { LocalEvidence } from "./model.ts";

/** What was found that bears on it. */
export interface HereFacts {
  readonly forced: boolean;
  readonly gateways: readonly SoftwareId[];
  readonly processes: readonly { readonly pid: number; readonly software: SoftwareId }[];
  /** Configured addresses that something listens on here: with the process, where it is known. */
  readonly served: readonly { readonly address: string; readonly pids: readonly number[] }[];
  /** Configured addresses that nothing listens on here. */
  readonly unserved: readonly string[];
  /** Of the URL's addresses those of this machine. */
  readonly urlHere: readonly string[];
  readonly urlElsewhere: readonly string[];
  /** Files with the number of a process of the program that runs. */
  readonly pidFiles: readonly { readonly file: string; readonly pid: number; readonly software: SoftwareId }[];
}

type Here = LocalEvidence["gatewayHere"];

const yes = (certain: boolean, reason: string): Here => ({ certain, yes: true, reason });
const no = (certain: boolean, reason: string): Here => ({ certain, yes: false, reason });

/** The first that holds. */
export function gatewayHere(facts: HereFacts): Here {
  const { processes, served, unserved, urlHere, urlElsewhere, pidFiles } = facts;
  if (facts.forced) return yes(true, "--local says so");
  for (const { address, pids } of served) {
    const owner = processes.find(({ pid }) => pids.includes(pid));
    if (owner)
      return yes(true, `${SOFTWARE[owner.software].name} (pid ${owner.pid}) listens on ${address}, as configured`);
  }
  const [alive] = pidFiles;
  if (alive)
    return yes(true, `${alive.file} names pid ${alive.pid}, which is a running ${SOFTWARE[alive.software].name}`);
  const [address] = urlHere;
  if (address !== undefined) return yes(true, `${address}, an address of the URL, is one of this machine`);
  const [place] = served;
  if (place)
    return yes(
      false,
      `something listens on ${place.address}, where the gateway is configured to; whose it is only root sees`,
    );
  const [process] = processes;
  if (process && facts.unserved.length === 0)
    return yes(
      false,
      `${SOFTWARE[process.software].name} runs here (pid ${process.pid}), and no configured address says whether it is this one`,
    );
  if (process)
    return no(
      false,
      `${SOFTWARE[process.software].name} runs here (pid ${process.pid}), but nothing listens on ${unserved.join(", ")}, where the gateway is configured to`,
    );
  if (unserved.length > 0)
    return no(
      facts.gateways.length > 0,
      `nothing listens here on ${unserved.slice(0, 4).join(", ")}, where the gateway is configured to, and its program does not run`,
    );
  if (urlElsewhere.length > 0)
    return no(
      false,
      `${urlElsewhere.slice(0, 3).join(", ")} is not an address of this machine, and no configuration of the gateway was given`,
    );
  return no(false, "nothing says where the gateway runs: give its configuration with --config, or --local");
}
