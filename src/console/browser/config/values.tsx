// Every value in force and where it comes from, with a filter over paths and values.
import { useMemo } from "preact/hooks";
import type { ConfigValue } from "../../model.ts";
import { plural } from "../format.ts";
import { setQuery, useQuery } from "../router.tsx";
import { Badge } from "../ui/badge.tsx";
import { Field } from "../ui/field.tsx";
import { Empty } from "../ui/notes.tsx";
import { type Column, Table } from "../ui/table.tsx";

const COLUMNS: readonly Column<ConfigValue>[] = [
  { id: "path", title: "Setting", class: "mono", cell: ({ path }) => path, sort: ({ path }) => path },
  { id: "value", title: "Value", class: "mono", cell: ({ value }) => value, sort: ({ value }) => value },
  {
    id: "from",
    title: "Comes from",
    cell: ({ from, line }) => {
      if (from === "default") return <span class="soft">default</span>;
      if (from === "command line") return <Badge tone="info">command line</Badge>;
      return line === null ? "file" : <a href={`/config?tab=file&line=${line}`}>file, line {line}</a>;
    },
    sort: ({ from, line }) => `${from} ${String(line ?? 0).padStart(6, "0")}`,
  },
];

export function Values({ values }: { readonly values: readonly ConfigValue[] }) {
  const [query] = useQuery();
  const [text, from] = [query.get("q") ?? "", query.get("from") ?? ""];
  const shown = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return values.filter(
      (one) =>
        (from === "" || one.from === from) &&
        words.every((word) => `${one.path} ${one.value}`.toLowerCase().includes(word)),
    );
  }, [values, text, from]);
  return (
    <div class="values">
      <div class="values-filter">
        <Field label="Filter" quiet>
          <input
            type="search"
            data-search
            placeholder="Setting or value"
            value={text}
            onInput={(event: InputEvent) => setQuery({ q: (event.currentTarget as HTMLInputElement).value })}
          />
        </Field>
        <Field label="Comes from" quiet>
          <select
            value={from}
            onChange={(event: Event) => setQuery({ from: (event.currentTarget as HTMLSelectElement).value })}
          >
            <option value="">from anywhere</option>
            <option value="file">from the file</option>
            <option value="default">defaults</option>
            <option value="command line">from the command line</option>
          </select>
        </Field>
        <p class="soft" role="status">
          {plural(shown.length, "value")}
        </p>
      </div>
      <Table
        caption="Values in force"
        columns={COLUMNS}
        rows={shown}
        rowKey={({ path }) => path}
        rowHeight={38}
        cards
        empty={<Empty title="No value fits the filter" />}
      />
    </div>
  );
}
