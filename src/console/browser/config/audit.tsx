// Who did what through the console, newest first, and what came of it.
import type { AuditEntry } from "../../../store/model.ts";
import { api } from "../api.ts";
import { useAsked } from "../store.ts";
import { Instant } from "../ui/instant.tsx";
import { Empty, ErrorNote, Loading } from "../ui/notes.tsx";
import { type Column, Table } from "../ui/table.tsx";

const LINES = 200;

const COLUMNS: readonly Column<AuditEntry>[] = [
  { id: "at", title: "When", cell: ({ at }) => <Instant at={at} relative />, sort: ({ at }) => at },
  {
    id: "by",
    title: "Who",
    cell: ({ by, role }) => (
      <>
        {by} <span class="soft">{role}</span>
      </>
    ),
    sort: ({ by }) => by,
  },
  { id: "client", title: "From", class: "mono", cell: ({ client }) => client, sort: ({ client }) => client },
  { id: "action", title: "What", cell: ({ action }) => action, sort: ({ action }) => action },
  { id: "outcome", title: "What came of it", cell: ({ outcome }) => outcome, sort: ({ outcome }) => outcome },
];

export function Audit() {
  const { data, error, again } = useAsked((signal) => api.audit(LINES, signal), []);
  if (!data) return error ? <ErrorNote error={error} again={again} /> : <Loading />;
  return (
    <div class="audit">
      <Table
        caption="Who did what through the console"
        columns={COLUMNS}
        rows={data}
        rowKey={({ id }) => id}
        sortedBy={{ column: "at", down: true }}
        cards
        empty={
          <Empty title="Nobody has changed anything">
            Actions on endpoints, reloads, logins and wrong tokens stand here, with who did it and what came of it.
          </Empty>
        }
      />
      {data.length >= LINES && <p class="soft">The last {LINES} stand here; the log has all.</p>}
    </div>
  );
}
