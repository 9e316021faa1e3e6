// A table that sorts by its headings. Above VIRTUAL_FROM rows only those in sight are in the document (fixed row height,
// its own scroll box): 10,000 rows cost what 40 do. On a phone the table scrolls sideways inside its box, not the page;
// with `cards` each row becomes a block with the headings as labels instead, a hundred at a time.
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Button } from "./button.tsx";
import { useMedia } from "./media.ts";

export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  /** Not shown: the column of buttons. */
  readonly quiet?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
  /** What it sorts by; absent = it does not. */
  readonly sort?: (row: Row) => number | string;
  /** Figures stand right. */
  readonly number?: boolean;
  /** Class of its cells: widths. */
  readonly class?: string;
}

export interface Sorting {
  readonly column: string;
  readonly down: boolean;
}

export interface TableProps<Row> {
  /** What the table holds: for screen readers; shown where `showCaption`. */
  readonly caption: string;
  readonly showCaption?: boolean;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly sortedBy?: Sorting;
  /** Given = the caller sorts (a server does); absent = sorted here. */
  readonly onSort?: (sorting: Sorting) => void;
  readonly rowClass?: (row: Row) => string;
  /** Pixels; only for more than VIRTUAL_FROM rows. */
  readonly rowHeight?: number;
  /** Blocks instead of rows on a phone. */
  readonly cards?: boolean;
  /** Below the rows: "more" is asked for when the end comes in sight. */
  readonly onEnd?: () => void;
  readonly empty?: ComponentChildren;
}

export const VIRTUAL_FROM = 200;
const AHEAD = 12;
/** As in style/ui.css. */
const PHONE = "(max-width: 720px)";
const BLOCKS = 100;

export function Table<Row>(props: TableProps<Row>) {
  const { caption, columns, rows, rowKey, onSort, rowHeight = 44, empty } = props;
  const [own, setOwn] = useState<Sorting | null>(props.sortedBy ?? null);
  const sorting = onSort ? (props.sortedBy ?? null) : own;
  const sorted = useMemo(() => (onSort ? rows : sort(rows, columns, sorting)), [rows, columns, sorting, onSort]);
  const box = useRef<HTMLElement>(null);
  const blocks = useMedia(PHONE) && props.cards === true;
  // Blocks have no common height: of many a part is shown, and the rest on request.
  const [most, setMost] = useState(BLOCKS);
  const virtual = sorted.length > VIRTUAL_FROM && !blocks;
  const [from, to] = useWindow(box, sorted.length, rowHeight, virtual, props.onEnd);
  if (rows.length === 0 && empty) return <>{empty}</>;

  const press = (column: Column<Row>): void => {
    const down = sorting?.column === column.id ? !sorting.down : column.number === true;
    const next = { column: column.id, down };
    if (onSort) onSort(next);
    else setOwn(next);
  };
  const shown = virtual ? sorted.slice(from, to) : blocks ? sorted.slice(0, most) : sorted;
  const rest = blocks ? sorted.length - shown.length : 0;
  return (
    <section
      class={`table-box${virtual ? " virtual" : ""}${props.cards ? " cards" : ""}`}
      ref={box}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={caption}
    >
      <table {...(virtual ? { "aria-rowcount": sorted.length + 1 } : {})}>
        <caption class={props.showCaption ? "" : "unseen"}>{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Heading key={column.id} column={column} sorting={sorting} onPress={() => press(column)} />
            ))}
          </tr>
        </thead>
        <tbody>
          {virtual && <Spacer height={from * rowHeight} columns={columns.length} />}
          {shown.map((row, index) => (
            <tr
              key={rowKey(row)}
              class={props.rowClass?.(row) ?? ""}
              {...(virtual ? { "aria-rowindex": from + index + 2, style: { height: `${rowHeight}px` } } : {})}
            >
              {columns.map((column) => (
                <td
                  key={column.id}
                  class={`${column.number ? "number " : ""}${column.class ?? ""}`}
                  data-label={column.quiet ? "" : column.title}
                >
                  {props.cards ? <div>{column.cell(row)}</div> : column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
          {virtual && <Spacer height={(sorted.length - to) * rowHeight} columns={columns.length} />}
        </tbody>
      </table>
      {rest > 0 && (
        <p class="more-blocks">
          <Button small onClick={() => setMost(most + BLOCKS)}>
            {Math.min(rest, BLOCKS)} more of {sorted.length}
          </Button>
        </p>
      )}
    </section>
  );
}

interface HeadingProps<Row> {
  readonly column: Column<Row>;
  readonly sorting: Sorting | null;
  readonly onPress: () => void;
}

function Heading<Row>({ column, sorting, onPress }: HeadingProps<Row>) {
  const active = sorting?.column === column.id;
  const order = active ? (sorting.down ? "descending" : "ascending") : "none";
  return (
    <th scope="col" class={column.number ? "number" : ""} {...(column.sort ? { "aria-sort": order } : {})}>
      {column.sort ? (
        <button type="button" class="sort" onClick={onPress}>
          {column.title}
          <span class="sort-sign" aria-hidden="true">
            {active ? (sorting.down ? "↓" : "↑") : ""}
          </span>
        </button>
      ) : (
        <span class={column.quiet ? "unseen" : ""}>{column.title}</span>
      )}
    </th>
  );
}

function Spacer({ height, columns }: { readonly height: number; readonly columns: number }) {
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row takes no focus
    <tr class="spacer" aria-hidden="true">
      <td colSpan={columns} style={{ height: `${Math.max(0, height)}px` }} />
    </tr>
  );
}

/** Rows in sight, with some around them. */
function useWindow(
  box: { readonly current: HTMLElement | null },
  total: number,
  rowHeight: number,
  virtual: boolean,
  onEnd: (() => void) | undefined,
): readonly [from: number, to: number] {
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(800);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = (): void => {
      // A step of several rows: scrolling within it draws nothing anew.
      const step = rowHeight * 4;
      setTop(Math.floor(element.scrollTop / step) * step);
      setHeight(element.clientHeight || 800);
      if (onEnd && element.scrollTop + element.clientHeight > element.scrollHeight - rowHeight * 6) onEnd();
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    return () => element.removeEventListener("scroll", look);
  }, [box, rowHeight, onEnd]);
  if (!virtual) return [0, total];
  const from = Math.max(0, Math.min(total, Math.floor(top / rowHeight) - AHEAD));
  return [from, Math.min(total, Math.ceil((top + height) / rowHeight) + AHEAD + 4)];
}

function sort<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sorting: Sorting | null): readonly Row[] {
  const by = columns.find(({ id }) => id === sorting?.column)?.sort;
  if (!by || !sorting) return rows;
  const sign = sorting.down ? -1 : 1;
  return rows
    .map((row) => [by(row), row] as const)
    .sort(
      ([a], [b]) =>
        sign * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b))),
    )
    .map(([, row]) => row);
}
