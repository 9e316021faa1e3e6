// The tries of one request, as nginx lists them: "10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80" with statuses and times of the
// same length, whatever the fields of the format are called. A list of addresses alone may be anything (forwarded
// addresses): it counts only beside a list of statuses that is as long. Pure.

export interface Attempt {
  readonly upstream: string;
  /** null = "-": there was no answer. */
  readonly status: number | null;
}

const ADDRESS = String.raw`(?:unix:[^\s,"]{1,200}|\[[0-9a-f:.]{2,45}\]:\d{1,5}|[\w.-]{1,255}:\d{1,5})`;
const ADDRESSES = new RegExp(String.raw`(?<![\w.:,-])${ADDRESS}(?:(?:, ?| : )${ADDRESS}){1,31}(?![\w.:-])`, "g");
const STATUSES = /(?<![\w.:,-])(?:\d{3}|-)(?:(?:, ?| : )(?:\d{3}|-)){1,31}(?![\w.:-])/g;
const SEPARATOR = /, ?| : /;
/** Cheap, and not met by times and user agents. */
const LISTS = /(?::\d{1,5}|unix:[^\s,"]{1,200})(?:, ?| : )(?:unix:|\[|[\w-])/;

/** The tries that a line lists, in order; empty where it was one. */
export function attemptsIn(line: string): readonly Attempt[] {
  if (!LISTS.test(line)) return [];
  for (const list of line.matchAll(ADDRESSES)) {
    const upstreams = list[0].split(SEPARATOR);
    for (const statuses of line.matchAll(STATUSES)) {
      const each = statuses[0].split(SEPARATOR);
      if (each.length !== upstreams.length || !each.some((status) => /^[1-5]\d\d$/.test(status))) continue;
      return upstreams.map((upstream, index) => ({ upstream, status: statusOf(each[index]) }));
    }
  }
  return [];
}

function statusOf(text: string | undefined): number | null {
  return text !== undefined && /^[1-5]\d\d$/.test(text) ? Number(text) : null;
}
