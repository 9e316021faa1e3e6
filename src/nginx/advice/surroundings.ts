// Who stands in front, as far as the files tell: addresses that are trusted, headers that are read.
import { argOf, argsOf } from "../lower/scope.ts";
import type { Survey } from "./survey.ts";

export interface Front {
  readonly name: string;
  /** How long it waits for an answer. */
  readonly answerMs: number;
  /** How long it uses an idle connection to us. */
  readonly idleMs: number;
}

const CLOUDFLARE: Front = { name: "Cloudflare", answerMs: 120_000, idleMs: 0 };
const ALB: Front = { name: "an AWS load balancer", answerMs: 60_000, idleMs: 60_000 };
const GOOGLE: Front = { name: "Google's load balancer", answerMs: 0, idleMs: 600_000 };

/** What each of them is known by. */
const SIGNS: readonly (readonly [front: Front, ranges: RegExp, variables: RegExp])[] = [
  [
    CLOUDFLARE,
    /^(?:173\.245\.48\.0\/20|103\.21\.244\.0\/22|162\.158\.0\.0\/15|104\.16\.0\.0\/1[23]|172\.64\.0\.0\/13|2400:cb00::\/32)$/,
    /\$\{?http_cf_(?:connecting_ip|ray|visitor|ipcountry)\b/i,
  ],
  [GOOGLE, /^(?:130\.211\.0\.0\/22|35\.191\.0\.0\/16)$/, /\$\{?http_x_cloud_trace_context\b/i],
  [ALB, /^$/, /\$\{?http_x_amzn_trace_id\b|ELB-HealthChecker/i],
];

/** Those in front of which the files tell. */
export function frontsOf({ scopes, http }: Survey): Front[] {
  const ranges = new Set<string>();
  const texts: string[] = [];
  for (const scope of scopes) {
    for (const name of ["set_real_ip_from", "allow"]) for (const each of scope.own(name)) ranges.add(argOf(each));
    for (const each of scope.own("real_ip_header"))
      texts.push(`$http_${argOf(each).toLowerCase().replaceAll("-", "_")}`);
    for (const directive of scope.directives) if (!directive.block) texts.push(argsOf(directive).join(" "));
  }
  for (const map of http?.own("map") ?? []) texts.push(argOf(map));
  return SIGNS.filter(
    ([, range, variables]) =>
      [...ranges].some((each) => range.test(each)) || texts.some((text) => variables.test(text)),
  ).map(([front]) => front);
}
