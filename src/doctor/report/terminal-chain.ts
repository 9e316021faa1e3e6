// The chain in a terminal: side by side where it fits and nothing stands beside another, else one hop a line. Members of
// one pool and several origins are branches, since a request goes to one of them.
import type { Hop } from "../diagnose/model.ts";
import { padded, widthOf, wrapped } from "./columns.ts";
import type { Ink, Shade } from "./ink.ts";
import type { PageHop } from "./page.ts";

const SAID_WIDTH = 26;
const NAME_WIDTH_MAX = 30;
const GAP = 4;
const INDENT = "  ";

const SHADES: Readonly<Record<Hop["mark"], Shade>> = {
  good: "good",
  bad: "bad",
  warn: "warn",
  behind: "dim",
  unknown: "dim",
};

/** The drawing in lines. */
export function chainLines(hops: readonly PageHop[], ink: Ink): string[] {
  return acrossLines(hops, ink) ?? downLines(hops, ink);
}

/** What a hop is a branch of: the pool of an endpoint, or "origin"; null = it stands in the line itself. */
export function branchOf({ id }: Hop): string | null {
  const pool = /^endpoint (\S+) /.exec(id);
  if (pool !== null) return `pool ${pool[1]}`;
  return /^origin(?:$|[- ])/.test(id) ? "origin" : null;
}

/** Whether the hop has a neighbour of the same pool or is one of several origins. */
export function isBranch(hops: readonly Hop[], index: number): boolean {
  const hop = hops[index];
  const own = hop === undefined ? null : branchOf(hop);
  return own !== null && hops.filter((each) => branchOf(each) === own).length > 1;
}

const nameOf = ({ name, id }: Hop, ink: Ink): string => ink.say(name || id);
const saidOf = ({ said, words }: PageHop, ink: Ink): string => ink.say(said || words);

function acrossLines(hops: readonly PageHop[], ink: Ink): string[] | null {
  if (hops.length < 2 || hops.some((_, index) => isBranch(hops, index))) return null;
  const stroke = ink.glyphs.line;
  const cells = hops.map((hop) => {
    const title = `${ink.glyphs.marks[hop.mark]} ${nameOf(hop, ink)}`;
    const here = hop.mark === "bad" && hop.said !== "" ? [`(${hop.words})`] : [];
    const said = [...wrapped(saidOf(hop, ink), SAID_WIDTH), ...here];
    return { hop, title, said, width: Math.max(widthOf(title), ...said.map((line) => widthOf(line) + 2)) };
  });
  // Between two titles at least " -- ", below them as much room.
  const total = cells.reduce((sum, { width }) => sum + width, INDENT.length + GAP * (cells.length - 1));
  if (total > ink.columns - 1 || cells.some(({ title }) => widthOf(title) > NAME_WIDTH_MAX)) return null;
  const titles = cells.map(({ hop, title, width }, index) => {
    const line = index === cells.length - 1 ? "" : ` ${stroke.repeat(width - widthOf(title) + GAP - 2)} `;
    return ink.paint(SHADES[hop.mark], title) + ink.paint("dim", line);
  });
  const rows = Math.max(...cells.map(({ said }) => said.length));
  const below = Array.from({ length: rows }, (_, row) =>
    cells
      .map(({ said, width }) => padded(`  ${said[row] ?? ""}`, width + GAP))
      .join("")
      .trimEnd(),
  );
  return [INDENT + titles.join(""), ...below.map((line) => INDENT + ink.paint("dim", line))];
}

function downLines(hops: readonly PageHop[], ink: Ink): string[] {
  const heads = hops.map((hop, index) => {
    const own = branchOf(hop);
    const last = own === null || !hops.slice(index + 1).some((each) => branchOf(each) === own);
    const lead = isBranch(hops, index)
      ? last
        ? ink.glyphs.lastBranch
        : ink.glyphs.branch
      : index === 0
        ? ""
        : ink.glyphs.arrow;
    const name = nameOf(hop, ink);
    const address = hop.address === null || name.includes(ink.say(hop.address)) ? "" : ` ${ink.say(hop.address)}`;
    return { hop, lead: padded(lead, 2), title: name + address };
  });
  const room = Math.floor(ink.columns / 2) - 6;
  const column = Math.min(room, Math.max(0, ...heads.map(({ title }) => widthOf(title)))) + 6 + INDENT.length;
  return heads.flatMap(({ hop, lead, title }) => downHop(hop, lead, title, column, ink));
}

function downHop(hop: PageHop, lead: string, title: string, column: number, ink: Ink): string[] {
  const start = INDENT.length + 5;
  const here = hop.mark === "bad" && hop.said !== "" ? ` ${ink.glyphs.next === "->" ? "<-" : "←"} ${hop.words}` : "";
  const said = wrapped(saidOf(hop, ink) + here, ink.columns - column - 1);
  const mark = ink.paint(SHADES[hop.mark], ink.glyphs.marks[hop.mark]);
  const lines = wrapped(title, ink.columns - start - 1);
  const head = lines.map((line, row) => (row === 0 ? `${INDENT}${lead} ${mark} ${line}` : " ".repeat(start) + line));
  const only = lines.length === 1 && start + widthOf(title) < column;
  if (only) {
    const fill = " ".repeat(column - start - widthOf(title));
    return said.map((line, row) =>
      row === 0 ? `${head[0]}${fill}${shaded(line, hop, ink)}` : " ".repeat(column) + shaded(line, hop, ink),
    );
  }
  return [...head, ...said.map((line) => " ".repeat(column) + shaded(line, hop, ink))];
}

const shaded = (line: string, { mark }: Hop, ink: Ink): string =>
  mark === "bad" ? ink.paint("bad", line) : ink.paint("dim", line);
