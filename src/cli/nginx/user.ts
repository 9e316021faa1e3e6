// The `user` directive against this machine, as nginx looks at it while it reads: whoever is not root is told that it
// means nothing; for root the user and the group must exist. A missing one is the commonest reason why a configuration
// of another distribution does not start.
import type { NginxConfiguration } from "../../nginx/load.ts";
import { makeProblem, type NginxProblem } from "../../nginx/problem.ts";
import type { Arg } from "../../nginx/tree.ts";
import { directivesOf } from "./meanings.ts";

/** The group that this process has. */
const GROUP = process.getegid?.() ?? 0;

/** What nginx says of the first `user`; null = nothing. */
export function userProblem(configuration: NginxConfiguration): NginxProblem | null {
  const placed = [...directivesOf(configuration)].find(
    ({ directive: { name, args }, context }) => name === "user" && context === "main" && args.length > 0,
  );
  if (!placed) return null;
  const { source, head, args, endsAt } = placed.directive;
  const make = (severity: NginxProblem["severity"], text: string, { start, raw }: Arg, hint?: string) =>
    makeProblem({
      kind: "directive",
      severity,
      source,
      text,
      noticedAt: endsAt,
      at: start,
      length: raw.length,
      hint,
    });
  if (process.geteuid?.() !== 0) {
    const text = 'the "user" directive makes sense only if the master process runs with super-user privileges, ignored';
    return make("warning", text, head);
  }
  const user = args[0]!;
  const group = args[1] ?? user;
  if (!isKnown(user.value, "user"))
    return make("error", `getpwnam("${user.value}") failed`, user, "there is no such user on this machine");
  const same = group === user ? ": without a second argument it is called like the user" : "";
  if (!isKnown(group.value, "group"))
    return make("error", `getgrnam("${group.value}") failed`, group, `there is no such group on this machine${same}`);
  return null;
}

/** Node looks a name up where it may take it on, so it is taken on for a moment. */
function isKnown(name: string, kind: "user" | "group"): boolean {
  try {
    if (kind === "user") process.seteuid!(name);
    else process.setegid!(name);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ERR_UNKNOWN_CREDENTIAL";
  } finally {
    process.seteuid!(0);
    process.setegid!(GROUP);
  }
}

/** Puts it where nginx comes to it; in front of what other files have, since it stands at the top in practice. */
export function withUserProblem(problem: NginxProblem | null, problems: readonly NginxProblem[]): NginxProblem[] {
  if (!problem) return [...problems];
  const earlier = problems.filter(
    (other) => !other.placeless && other.in === problem.in && other.order < problem.order,
  );
  return [...earlier, problem, ...problems.filter((other) => !earlier.includes(other))];
}
