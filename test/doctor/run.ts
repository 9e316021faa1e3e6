// Runs the real `goodgate doctor --json` against a chain and judges what it says. Where the test may (root), doctor runs
// in a mount namespace of its own whose resolv.conf names a test resolver, so that nothing asks the machine's.
import { accessSync, constants, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Certainty, Hop, Verdict } from "../../src/doctor/diagnose/model.ts";
import { isInstalled, runCommand } from "../command.ts";
import type { Asked, FaultCase, HealthyCase, Need, RiskCase } from "./case.ts";
import { Chain } from "./chain.ts";
import { isRoot } from "./programs.ts";
import { startResolver } from "./resolver.ts";

// Another build of the program may be named, for work on it.
const PROGRAM = process.env["GOODGATE_PROGRAM"] ?? fileURLToPath(new URL("../../bin/goodgate.js", import.meta.url));
const ORDER: readonly Certainty[] = ["possible", "likely", "proven"];

/** What --json says, as far as cases look at it. */
export interface Said {
  readonly outcome: "fault" | "healthy" | "unknown";
  readonly summary: string;
  readonly verdict: Verdict | null;
  readonly alternatives: readonly Verdict[];
  readonly chain: readonly Hop[];
  readonly risks: readonly { readonly id: string; readonly class: string | null; readonly text: string }[];
  readonly problems: readonly { readonly input: string; readonly text: string }[];
}

export interface Result {
  readonly said: Said | null;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
  readonly asked: Asked;
}

const probe = await runCommand("unshare", ["-m", "--propagation", "private", "true"]).catch(() => null);
const hasNamespaces = isRoot && probe?.code === 0;

/** What this machine lacks for a case; null = nothing. */
export function lacks(needs: readonly Need[] = []): string | null {
  for (const need of needs) {
    if (need === "root") {
      if (!isRoot) return "needs root";
    } else if (need === "names") {
      if (!hasNamespaces) return "needs root and mount namespaces, for a resolv.conf of its own";
    } else if (need === "ipv6") {
      if (!hasLoopback6()) return "needs IPv6 on loopback";
    } else if (need === "memory-cgroup") {
      if (!isRoot || !isWritable("/sys/fs/cgroup/memory")) return "needs root and a memory cgroup (v1)";
    } else if (!isInstalled(need)) return `needs ${need}`;
  }
  return null;
}

function hasLoopback6(): boolean {
  try {
    return /^0{31}1 /m.test(readFileSync("/proc/net/if_inet6", "latin1"));
  } catch {
    // No such file where there is no IPv6.
    return false;
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(`${folder}/tasks`, constants.W_OK);
    return true;
  } catch {
    // Another version of cgroups, or none.
    return false;
  }
}

/** Runs doctor as a user of the chain would; in `chain` names are known to the test resolver only. */
export async function runDoctor(chain: Chain, asked: Asked): Promise<Result> {
  const words = ["doctor", ...(asked.url === null ? [] : [asked.url]), ...asked.args, "--json"];
  const command = [process.execPath, PROGRAM, ...words];
  const began = performance.now();
  const { code, stdout, stderr } = await (hasNamespaces ? inNamespace(chain, command) : run(command, chain.folder));
  const tookMs = performance.now() - began;
  return { said: parsed(stdout), code, stdout, stderr, tookMs, asked };
}

function parsed(text: string): Said | null {
  try {
    return JSON.parse(text) as Said;
  } catch {
    // What is no JSON is shown by whoever looks for an answer.
    return null;
  }
}

const run = ([command = "", ...args]: readonly string[], cwd: string) => runCommand(command, args, cwd);

/** A resolv.conf and a hosts file of the chain's own; both are seen by this command only. */
async function inNamespace(chain: Chain, command: readonly string[]) {
  const resolver = chain.systemResolver ?? (await nothingKnown(chain));
  const options = "options timeout:1 attempts:1";
  const resolv = chain.file("etc/resolv.conf", `nameserver ${resolver.host}\n${options}\n`);
  const hosts = chain.file("etc/hosts", "127.0.0.1 localhost\n::1 ip6-localhost\n");
  const script = 'mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/hosts && shift 2 && exec "$@"';
  const unshare = ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", resolv, hosts];
  return run([...unshare, ...command], chain.folder);
}

async function nothingKnown(chain: Chain) {
  const host = `127.${[1, 2, 3].map(() => 1 + Math.floor(Math.random() * 250)).join(".")}`;
  const resolver = await startResolver({}, host, 53);
  chain.add(() => resolver.close());
  return resolver;
}

/** Builds the chain of a case, asks doctor, and takes the chain away. */
async function runOnce(each: FaultCase | HealthyCase | RiskCase, more: readonly string[]): Promise<Result> {
  const chain = new Chain();
  try {
    const asked = await each.build(chain);
    return await runDoctor(chain, { ...asked, args: [...asked.args, ...more] });
  } finally {
    await chain.close();
  }
}

const SECOND_TRY = ["--timeout", "8s"];

/**
 * Runs a case and judges it. Times are short, so that many cases fit; a machine that is busy with something else gets a
 * second try with more time, but no claim that is wrong and proven is forgiven.
 */
export async function runCase<Each extends FaultCase | HealthyCase | RiskCase>(
  each: Each,
  judge: (result: Result) => Judgement,
): Promise<{ readonly result: Result; readonly judged: Judgement }> {
  const first = await runOnce(each, []);
  const judged = judge(first);
  if (judged.mark === "right" || judged.mark === "wrong and proven") return { result: first, judged };
  const result = await runOnce(each, SECOND_TRY);
  return { result, judged: judge(result) };
}

export type Mark = "right" | "undecided" | "wrong" | "wrong and proven";

export interface Judgement {
  readonly mark: Mark;
  /** What does not fit; "" = nothing. */
  readonly why: string;
  /** "connect-refused, proven, at endpoint app 127.0.0.1:3000" */
  readonly got: string;
}

/** Holds what was said against what was injected. */
export function judgeFault({ expect }: FaultCase, { said, asked, stderr, stdout }: Result): Judgement {
  if (!said) return { mark: "wrong", why: "no report", got: (stderr || stdout).slice(0, 200) };
  const { verdict, outcome, alternatives } = said;
  const got = verdict ? `${verdict.class}, ${verdict.certainty}, at ${verdict.hopName}` : `${outcome}: ${said.summary}`;
  if (outcome === "healthy") return { mark: "wrong", why: "said to be healthy", got };
  const wanted = [expect.class, ...(expect.also ?? [])];
  if (!verdict) return { mark: "undecided", why: "no verdict", got };
  if (!wanted.includes(verdict.class)) {
    if (verdict.certainty === "proven") return { mark: "wrong and proven", why: `class, not ${expect.class}`, got };
    const open = alternatives.some((other) => wanted.includes(other.class)) || isOpen(verdict.class);
    return { mark: open ? "undecided" : "wrong", why: `class, not ${expect.class}`, got };
  }
  const hop = hopProblem(said, asked);
  if (hop) return { mark: markOfHop(said, asked), why: hop, got };
  const rank = ORDER.indexOf(verdict.certainty);
  if (expect.atMost && rank > ORDER.indexOf(expect.atMost))
    return { mark: "wrong", why: `more certain than ${expect.atMost}`, got };
  if (expect.atLeast && rank < ORDER.indexOf(expect.atLeast))
    return { mark: "undecided", why: `less certain than ${expect.atLeast}`, got };
  return { mark: "right", why: "", got };
}

/** Classes that claim nothing. */
const isOpen = (of: string): boolean => of === "status-only-502" || of === "unknown";

/** Where the fault was put and where it is said to be; null = the same. */
function hopProblem({ verdict, chain }: Said, { at = [] }: Asked): string | null {
  if (at.length === 0 || !verdict) return null;
  const hop = chain.find(({ id }) => id === verdict.hop);
  if (!hop) return `hop ${verdict.hop} is not in the chain`;
  const names = [verdict.address, hop.address, hop.kind, hop.id, hop.id.split(" ")[0], hop.name];
  return at.some((place) => names.includes(place)) ? null : `hop ${hop.id} (${hop.address}), not ${at.join(" or ")}`;
}

/** "What is behind nginx" is vague where the application was meant, and wrong where nginx itself was. */
function markOfHop({ verdict, chain }: Said, { url, at = [] }: Asked): Mark {
  const hop = chain.find(({ id }) => id === verdict?.hop);
  const outermost = url === null ? null : new URL(url).host;
  if (hop?.address === null && hop.id.startsWith("behind") && !at.includes(outermost ?? "")) return "undecided";
  return verdict?.certainty === "proven" ? "wrong and proven" : "wrong";
}

/** A healthy chain has no verdict and no finding above a risk. */
export function judgeHealthy({ said, stderr, stdout }: Result): Judgement {
  if (!said) return { mark: "wrong", why: "no report", got: (stderr || stdout).slice(0, 200) };
  const { verdict, outcome, summary } = said;
  const got = verdict ? `${verdict.class}, ${verdict.certainty}, at ${verdict.hopName}` : `${outcome}: ${summary}`;
  if (verdict) return { mark: verdict.certainty === "proven" ? "wrong and proven" : "wrong", why: "a verdict", got };
  if (outcome !== "healthy") return { mark: "undecided", why: `outcome ${outcome}`, got };
  return { mark: "right", why: "", got };
}

/** The risk is told, and is no verdict. */
export function judgeRisk({ risk }: RiskCase, { said, stderr, stdout }: Result): Judgement {
  if (!said) return { mark: "wrong", why: "no report", got: (stderr || stdout).slice(0, 200) };
  const { verdict } = said;
  const risks = said.risks.map(({ id, text, class: of }) => `${id} ${of} ${text}`);
  if (verdict) {
    const mark = verdict.certainty === "proven" ? ("wrong and proven" as const) : ("wrong" as const);
    return { mark, why: "a verdict", got: `${verdict.class}, ${verdict.certainty}` };
  }
  const found = said.risks.find((_, index) => risk.test(risks[index] ?? ""));
  if (found) return { mark: "right", why: "", got: `risk ${found.id}` };
  return {
    mark: "undecided",
    why: "the risk is missing",
    got: `${risks.length} risks: ${risks.join("; ")}`.slice(0, 300),
  };
}
