// What the logs said, as tables: files, classes, members, patterns, requests that several logs tell of, and the lines
// that were written while doctor asked.
import type { JoinedRequest, LogEvent, LogEvidence, LogFile, LogPattern } from "../logs/model.ts";
import type { Block, Item, Section } from "./page.ts";
import { counted, plainItem, roughly, rowsOf, size, timeOfDay } from "./words.ts";

const LINES_SHOWN = 40;
const JOINED_SHOWN = 20;
const GROUPS_SHOWN = 20;

/** One section, or none where no log was read. */
export function logSections(logs: LogEvidence): Section[] {
  const { files, members, patterns, joined, duringProbes } = logs;
  if (files.length === 0) return [];
  const blocks: Block[] = [
    ...rowsOf("Logs", ["File", "Read", "Encoding", "Format", "From", "To", "Failures"], files.map(fileRow)),
    ...rowsOf(
      "What fails",
      ["Class", "Count", "First", "Last", "Upstreams"],
      files.flatMap(({ report }) =>
        report.classes.slice(0, GROUPS_SHOWN).map(({ class: of, count, first, last, upstreams }) => [
          of ?? "not in the reference",
          count.toLocaleString("en"),
          first.time ?? `line ${first.line}`,
          last.time ?? `line ${last.line}`,
          upstreams
            .slice(0, 4)
            .map(({ value, count: each }) => `${value} (${each})`)
            .join(", "),
        ]),
      ),
    ),
    ...rowsOf(
      "Members",
      ["Upstream", "Requests", "Failures", "Classes"],
      members.map(({ upstream, requests, failures, classes }) => [
        upstream,
        requests === null ? "not known" : requests.toLocaleString("en"),
        failures.toLocaleString("en"),
        classes.map(({ class: of, count }) => `${of ?? "not in the reference"} (${count})`).join(", "),
      ]),
    ),
    ...items(patterns.map(patternItem)),
    ...rowsOf("Written while doctor asked", ["Where", "Class", "Line"], duringProbes.slice(-LINES_SHOWN).map(eventRow)),
    ...joined.slice(-JOINED_SHOWN).flatMap(joinedBlocks),
    ...rowsOf(
      `Failures${files.some(({ events }) => events.length > LINES_SHOWN) ? `, the last ${LINES_SHOWN} of each log` : ""}`,
      ["Where", "Class", "Line"],
      files.flatMap(({ events }) => events.slice(-LINES_SHOWN).map(eventRow)),
    ),
  ];
  return [{ id: "logs", heading: "Evidence: logs", blocks, depth: "evidence", itemsMax: null }];
}

const items = (all: readonly Item[]): Block[] => (all.length === 0 ? [] : [{ kind: "items", items: all }]);

function fileRow({ file, bytes, readBytes, encoding, formats, software, fromMs, toMs, report }: LogFile): string[] {
  return [
    file,
    readBytes < bytes ? `the last ${size(readBytes)} of ${size(bytes)}` : size(bytes),
    encoding,
    formats[0]?.format ?? software ?? "not recognised",
    fromMs === null ? "" : timeOfDay(fromMs),
    toMs === null ? "" : timeOfDay(toMs),
    `${report.failures.toLocaleString("en")} of ${counted(report.lines, "line")}`,
  ];
}

function patternItem({ text, certainty, fromMs, toMs, lines, timers }: LogPattern): Item {
  const when = fromMs === null || toMs === null ? "" : `${timeOfDay(fromMs)}, over ${roughly(toMs - fromMs)}`;
  const may = timers.map(({ software, setting }) => `${software} ${setting}`).join(" or ");
  const where = lines.slice(0, 3).map(({ file, line }) => `${file}:${line}`);
  const note = [certainty, when, ...where].filter((part) => part !== "").join(", ");
  return plainItem(may === "" ? text : `${text} It may be ${may}.`, note);
}

const eventRow = ({ file, line, class: of, text }: LogEvent): string[] => [`${file}:${line}`, of ?? "", text];

function joinedBlocks({ by, key, events }: JoinedRequest): Block[] {
  const how = by === "request-id" ? "by request id" : "by time and path";
  return rowsOf(
    `One request in ${counted(events.length, "line")} (${how} ${key})`,
    ["Where", "Class", "Line"],
    events.map(eventRow),
  );
}
