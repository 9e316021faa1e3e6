// Variables about time and the process. Seconds have three decimals and are cut, not rounded. The text of a second is
// kept until the next one, since every line of a log asks for it.
import type { TimeVariable } from "../config/variable-names.ts";
import { formatTime, SSI_TIME } from "../std/strftime.ts";
import type { Ms } from "../std/units.ts";
import type { Variable } from "./subject.ts";

/** What $pid, $hostname and $nginx_version say. */
export interface ProcessFacts {
  readonly pid: number;
  readonly hostname: string;
  readonly nginxVersion: string;
}

/** Variables of one table: they keep the text of the present second. */
export function timeVariables(facts: ProcessFacts): Readonly<Record<TimeVariable, Variable>> {
  const local = perSecond(localTime);
  const iso = perSecond(isoTime);
  return {
    date_gmt: (of) => formatTime(of.timeFormat ?? SSI_TIME, of.wallNowMs, "gmt"),
    date_local: (of) => formatTime(of.timeFormat ?? SSI_TIME, of.wallNowMs, "local"),
    hostname: () => facts.hostname,
    msec: (of) => seconds(of.wallNowMs),
    nginx_version: () => facts.nginxVersion,
    pid: () => String(facts.pid),
    request_time: (of) => seconds(of.now - of.startedAt),
    time_iso8601: (of) => iso(of.wallNowMs),
    time_local: (of) => local(of.wallNowMs),
  };
}

/** "1.003"; never negative. */
export function seconds(ms: Ms): string {
  const whole = Math.max(0, Math.floor(ms));
  const thousandths = whole % 1000;
  const zeros = thousandths < 10 ? "00" : thousandths < 100 ? "0" : "";
  return `${(whole - thousandths) / 1000}.${zeros}${thousandths}`;
}

function perSecond(format: (wallMs: number) => string): (wallMs: number) => string {
  let second = Number.NaN;
  let text = "";
  return (wallMs) => {
    const now = Math.floor(wallMs / 1000);
    if (now !== second) {
      text = format(now * 1000);
      second = now;
    }
    return text;
  };
}

function localTime(wallMs: number): string {
  return formatTime("%d/%b/%Y:%H:%M:%S %z", wallMs, "local");
}

function isoTime(wallMs: number): string {
  const zone = formatTime("%z", wallMs, "local");
  return `${formatTime("%Y-%m-%dT%H:%M:%S", wallMs, "local")}${zone.slice(0, 3)}:${zone.slice(3)}`;
}
