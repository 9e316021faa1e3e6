// What is asked about the machine that doctor runs on: the addresses and the programs of the configurations that were
// given. Nothing else of the machine is looked at, and nothing is searched for beyond what is named here.
import type { Spot } from "../evidence.ts";
import type { SoftwareId } from "../software.ts";

/** What to look for on this machine. */
export interface LocalQuestion {
  /** Where the gateway connects to, from configurations, origins and the URL. */
  readonly spots: readonly Spot[];
  /** Whose processes are looked for. */
  readonly gateways: readonly SoftwareId[];
  /** Where the configured gateway listens; host "*", "0.0.0.0" or "::" = on every address. */
  readonly listens: readonly { readonly host: string; readonly port: number }[];
  /** What the URL's name resolved to. */
  readonly urlAddresses: readonly string[];
  /** Files that configurations name for the gateway's process id. */
  readonly pidFiles: readonly string[];
  /** --local: the user says that this is the gateway's machine. */
  readonly forced: boolean;
  /** Root of the process file system; "/proc" where absent. */
  readonly proc?: string;
  /** Root of the control groups; "/sys/fs/cgroup" where absent. */
  readonly cgroups?: string;
}
