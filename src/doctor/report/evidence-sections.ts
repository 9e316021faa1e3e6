// The evidence as tables: of each target, of the machine, of configurations and logs. Shown with --verbose and folded in
// HTML; all of it, unshortened, is in --json. Long lists are cut here, and say so.
import type { ConfigEvidence } from "../configs/model.ts";
import type { Evidence } from "../evidence.ts";
import type { LocalEvidence } from "../local/model.ts";
import { logSections } from "./log-sections.ts";
import type { Block, Section } from "./page.ts";
import { targetSection, timingsOf } from "./target-sections.ts";
import { placeText, plainItem, roughly, rowsOf, span, spotText, timeOfDay } from "./words.ts";

/** In the order of the checks. */
export function evidenceSections(evidence: Evidence): Section[] {
  const timings = timingsOf(evidence.targets);
  const sections: Section[] = [
    { id: "timings", heading: "Where the time goes", blocks: timings, depth: "drawn", itemsMax: null },
    ...evidence.targets.map(targetSection),
    evidenceSection("local", "This machine", evidence.local === null ? [] : localBlocks(evidence.local, evidence)),
    ...evidence.configs.map((config, index) =>
      evidenceSection(`config-${index + 1}`, `Configuration ${config.file}`, configBlocks(config)),
    ),
    ...logSections(evidence.logs),
  ];
  return sections.filter(({ blocks }) => blocks.length > 0);
}

const evidenceSection = (id: string, heading: string, blocks: readonly Block[]): Section => ({
  id,
  heading,
  blocks,
  depth: "evidence",
  itemsMax: null,
});

function localBlocks(local: LocalEvidence, { restarts = [] }: Evidence): Block[] {
  const { gatewayHere, root, spots, kernel, units, gateways } = local;
  const listeners = spots.flatMap(({ spot, listeners: own, others, socket }) => {
    const at = spotText(spot);
    const rows = own.map(({ address, process, queue }) => [at, address, processText(process), queueText(queue)]);
    if (socket !== null)
      rows.push([at, socket.path, socket.exists ? (socket.mode ?? "") : "no such file", socket.reason ?? ""]);
    if (rows.length === 0) rows.push([at, "nothing listens", "", ""]);
    return [
      ...rows,
      ...others.map(({ address, process }) => [at, `${address}, another port`, processText(process), ""]),
    ];
  });
  return [
    {
      kind: "text",
      text: `${gatewayHere.yes ? "The gateway runs here" : "The gateway does not run here"}${gatewayHere.certain ? "" : ", as far as can be told"}: ${gatewayHere.reason}. doctor ran ${root ? "as root" : "without root"}.`,
    },
    ...rowsOf("Who listens", ["Configured", "Listens", "Process", "Queue"], listeners),
    ...rowsOf(
      "Processes that came and went during the run",
      ["Address", "Before", "After"],
      restarts.map(({ address, before, after }) => [
        address,
        processText(before),
        after === null ? "none" : processText(after),
      ]),
    ),
    ...rowsOf(
      "Kernel",
      ["When", "What", "Process", "Text", "Source"],
      kernel.map(({ atMs, kind, process, pid, text, source }) => [
        atMs === null ? "" : timeOfDay(atMs),
        kind,
        [process, pid].filter((part) => part !== null).join(" "),
        text,
        source,
      ]),
    ),
    ...rowsOf(
      "Units",
      ["Unit", "State", "Result", "Restarts", "Since"],
      units.map(({ unit, active, sub, result, restarts: count, sinceMs }) => [
        unit,
        `${active} (${sub})`,
        result,
        String(count),
        sinceMs === null ? "" : timeOfDay(sinceMs),
      ]),
    ),
    ...rowsOf(
      "Gateways",
      ["Program", "Process", "Up for", "Descriptors"],
      gateways.map((each) => [
        each.software,
        processText(each),
        roughly(each.uptimeMs),
        each.descriptors === null ? "may not be looked at" : `${each.descriptors.open} of ${each.descriptors.max}`,
      ]),
    ),
  ];
}

type Process = {
  readonly pid: number;
  readonly name: string;
  readonly startedAtMs: number;
  readonly unit: string | null;
};

function processText(process: Process | null): string {
  if (process === null) return "not known";
  const unit = process.unit === null ? "" : `, ${process.unit}`;
  return `${process.name} (pid ${process.pid}${unit}), since ${timeOfDay(process.startedAtMs)}`;
}

type Queue = { readonly waiting: number; readonly max: number; readonly full: boolean };

const queueText = (queue: Queue | null): string =>
  queue === null ? "" : `${queue.waiting} of ${queue.max}${queue.full ? ", full" : ""}`;

function configBlocks({ kind, files, hops, findings, problems }: ConfigEvidence): Block[] {
  const listens = hops.flatMap(({ name, listens: own }) =>
    own.map(({ host, port, socket, tls, names, at }) => [
      name,
      socket === null ? `${host}${port === null ? "" : `:${port}`}` : `unix:${socket}`,
      tls ? "TLS" : "plain",
      names.join(" "),
      placeText(at),
    ]),
  );
  const pools = hops.flatMap(({ name, pools: own }) =>
    own.map((pool) => [
      name,
      pool.name,
      pool.members
        .map(({ text, backup, down }) => `${text}${backup ? " (backup)" : ""}${down ? " (down)" : ""}`)
        .join(", "),
      pool.scheme,
      placeText(pool.at),
    ]),
  );
  const timers = hops.flatMap((each) =>
    [each, ...each.routes, ...each.pools].flatMap(({ timers: own }) =>
      own.map(({ setting, value, text, at, id }) => [
        each.name,
        setting,
        text || (value === null ? "off" : id === "tries" ? String(value) : span(value)),
        id,
        placeText(at),
      ]),
    ),
  );
  const notes = [
    ...findings.map(({ text, at }) => plainItem(text, at === null ? null : placeText(at))),
    ...problems.map(({ text, next, place }) =>
      plainItem(`${text} ${next}`.trim(), place === null ? null : placeText(place)),
    ),
  ];
  return [
    { kind: "text", text: `${kind ?? "Not recognised"}; read: ${files.length === 0 ? "nothing" : files.join(", ")}.` },
    ...rowsOf("Listeners", ["Hop", "Address", "Speaks", "Names", "Where"], listens),
    ...rowsOf("Pools", ["Hop", "Pool", "Members", "Speaks", "Where"], pools),
    ...rowsOf("Timers", ["Hop", "Setting", "Value", "Limits", "Where"], timers),
    ...(notes.length === 0 ? [] : [{ kind: "items" as const, items: notes }]),
  ];
}
