// The configuration: what runs, where each value comes from, what check finds, and how the file differs from what runs.
import { useState } from "preact/hooks";
import type { ConfigFinding, ConfigValue, ConfigView } from "../../model.ts";
import { api } from "../api.ts";
import { plural } from "../format.ts";
import { useNowPart } from "../live.ts";
import { upstreamHref } from "../now/facts.ts";
import type { PageProps } from "../pages.ts";
import { setQuery, useQuery } from "../router.tsx";
import { useAdmin } from "../session.ts";
import { useAsked } from "../store.ts";
import { toast } from "../toasts.tsx";
import { Badge } from "../ui/badge.tsx";
import { ActionButton, Button } from "../ui/button.tsx";
import { Code, Copy } from "../ui/copy.tsx";
import { Confirm } from "../ui/dialog.tsx";
import { Instant } from "../ui/instant.tsx";
import { Empty, ErrorNote, Loading, Note } from "../ui/notes.tsx";
import { Page } from "../ui/page.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { Audit } from "./audit.tsx";
import { Diff } from "./diff.tsx";
import { Kept } from "./kept.tsx";
import { Values } from "./values.tsx";

type Tab = "file" | "values" | "findings" | "diff" | "kept" | "audit";

export function ConfigPage(_props: PageProps) {
  const { data, error, loading, again } = useAsked((signal) => api.config(signal), []);
  if (!data) return <Page title="Config">{error ? <ErrorNote error={error} again={again} /> : <Loading />}</Page>;
  return (
    <Page
      title="Config"
      lead={
        <>
          {data.file ? <code>{data.file}</code> : "What the command line said"} runs since{" "}
          <Instant at={data.loadedAt} relative />. Secrets are taken out.
        </>
      }
      actions={
        <>
          <Button onClick={again} busy={loading}>
            Look again
          </Button>
          <Reload view={data} onDone={again} />
        </>
      }
    >
      {error && <ErrorNote error={error} again={again} />}
      <Pending view={data} />
      <Parts view={data} />
    </Page>
  );
}

function Pending({ view: { file, diff, pending } }: { readonly view: ConfigView }) {
  if (diff === "" && pending === null) return null;
  if (pending && !pending.ok) {
    return (
      <Note tone="bad">
        <p>
          <b>{file} has changed, and cannot be taken on as it is.</b> What runs goes on running.
        </p>
        <Findings findings={pending.findings} />
      </Note>
    );
  }
  return (
    <Note tone="info">
      <p>
        <b>{file} has changed since it was loaded.</b> Reload takes it on; connections stay open.
      </p>
      {pending && pending.findings.length > 0 && <Findings findings={pending.findings} />}
    </Note>
  );
}

function Parts({ view }: { readonly view: ConfigView }) {
  const [query] = useQuery();
  const admin = useAdmin();
  const { file, text, values, findings, diff } = view;
  const tabs: { id: Tab; title: string; count?: number }[] = [
    { id: "file", title: text === null ? "Without a file" : "What runs" },
    { id: "values", title: "Values", count: values.length },
    { id: "findings", title: "Findings", count: findings.length },
    // Without a file there is nothing to differ from.
    ...(file === null ? [] : [{ id: "diff" as const, title: diff === "" ? "Difference" : "Difference to the file" }]),
    { id: "kept", title: "What is kept" },
    ...(admin ? [{ id: "audit" as const, title: "Who did what" }] : []),
  ];
  const wanted = query.get("tab") as Tab;
  const tab = tabs.some(({ id }) => id === wanted) ? wanted : diff === "" ? "file" : "diff";
  return (
    <Tabs
      label="Parts of the configuration"
      tabs={tabs}
      value={tab}
      onChange={(id) => setQuery({ tab: id, line: null })}
    >
      {tab === "file" && text === null && <NoFile values={values} />}
      {tab === "file" && text !== null && (
        <Text text={text} findings={findings} line={Number(query.get("line") ?? 0)} />
      )}
      {tab === "values" && <Values values={values} />}
      {tab === "findings" &&
        (findings.length === 0 ? (
          <Empty title="Nothing was found">check looks for what leads to gateway errors, too.</Empty>
        ) : (
          <Findings findings={findings} />
        ))}
      {tab === "diff" && <Diff diff={diff} />}
      {tab === "kept" && <Kept />}
      {tab === "audit" && <Audit />}
    </Tabs>
  );
}

/** What was said on the command line, and how it becomes a file. */
function NoFile({ values }: { readonly values: readonly ConfigValue[] }) {
  const said = values.filter(({ from }) => from === "command line");
  const routes = useNowPart((now) => now?.routes);
  return (
    <div class="no-file">
      <p>
        This gateway was started without a configuration file: the command line said what differs from the defaults, and
        it cannot be reloaded.
      </p>
      {routes && routes.length > 0 && (
        <ul class="ways">
          {routes.map(({ match, upstream, action }) => (
            <li key={match}>
              <code>{match}</code> {upstream === null ? action : <a href={upstreamHref(upstream)}>{upstream}</a>}
            </li>
          ))}
        </ul>
      )}
      {said.length > 0 && (
        <Table
          caption="Said on the command line"
          showCaption
          columns={SAID_COLUMNS}
          rows={said}
          rowKey={({ path }) => path}
          cards
        />
      )}
      <p>
        {plural(values.length - said.length, "other value")} in force{" "}
        {values.length - said.length === 1 ? "is a default" : "are defaults"}: <a href="/config?tab=values">Values</a>{" "}
        has each with where it comes from.
      </p>
      <p>
        A file can say more (several upstreams, routes, timeouts, health checks) and be reloaded while requests run:
      </p>
      <Code language="shell" code={FILE_COMMANDS} />
      <p>
        <a href="/reference/">The reference</a> has every setting.
      </p>
    </div>
  );
}

const SAID_COLUMNS: readonly Column<ConfigValue>[] = [
  { id: "path", title: "Setting", class: "mono", cell: ({ path }) => path },
  { id: "value", title: "Value", class: "mono", cell: ({ value }) => value },
];

const FILE_COMMANDS = [
  "echo 'upstreams: { app: \"127.0.0.1:3000\" }' > goodgate.yaml",
  "goodgate check goodgate.yaml",
  "goodgate run goodgate.yaml",
  "goodgate reload",
].join("\n");

interface TextProps {
  readonly text: string;
  readonly findings: readonly ConfigFinding[];
  readonly line: number;
}

/** With line numbers, and a sign at lines that something was found in. */
function Text({ text, findings, line }: TextProps) {
  const lines = text.replace(/\n$/, "").split("\n");
  const found = new Map(findings.filter((one) => one.line !== null).map((one) => [one.line, one]));
  return (
    <div class="source">
      <div class="source-acts">
        <Copy text={text} label="Copy all" />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="lines" tabIndex={0} aria-label="The configuration that runs">
        {lines.map((content, index) => {
          const finding = found.get(index + 1);
          return (
            <div key={index} class={`line${finding ? ` ${finding.severity}` : ""}${line === index + 1 ? " here" : ""}`}>
              <span class="line-number" ref={line === index + 1 ? showLine : null}>
                {index + 1}
              </span>
              <code>{content === "" ? "\u200b" : content}</code>
              {finding && (
                <p class="line-finding">
                  <Badge tone={finding.severity === "error" ? "bad" : "warn"} shape="triangle">
                    {finding.severity}
                  </Badge>{" "}
                  {finding.message}
                </p>
              )}
            </div>
          );
        })}
      </section>
    </div>
  );
}

const showLine = (element: HTMLElement | null): void => element?.scrollIntoView({ block: "center" });

function Findings({ findings }: { readonly findings: readonly ConfigFinding[] }) {
  return (
    <ul class="findings">
      {findings.map(({ severity, message, hint, line, cause }) => (
        <li key={`${line} ${message}`} class="card">
          <Badge tone={severity === "error" ? "bad" : "warn"} shape={severity === "error" ? "cross" : "triangle"}>
            {severity}
          </Badge>
          <div>
            <p>
              {message}
              {line !== null && (
                <>
                  {" "}
                  <a href={`/config?tab=file&line=${line}`}>line {line}</a>
                </>
              )}
            </p>
            {hint !== "" && <p class="soft">{hint}</p>}
            {cause && <a href={`/reference/cause/${cause}/`}>{cause} in the reference</a>}
          </div>
        </li>
      ))}
    </ul>
  );
}

function Reload({ view: { file, diff, pending }, onDone }: { readonly view: ConfigView; readonly onDone: () => void }) {
  const [open, setOpen] = useState(false);
  const run = async (): Promise<void> => {
    const { ok, said } = await api.reload();
    if (!ok) throw new Error(said);
    toast(said, "good");
    onDone();
  };
  const blocked = file === null ? "There is no file to read again: everything was said on the command line" : "";
  const added = diff.split("\n").filter((line) => /^[+-](?![+-]{2})/.test(line)).length;
  return (
    <>
      <ActionButton kind="primary" blocked={blocked} onClick={() => setOpen(true)}>
        Reload
      </ActionButton>
      {open && (
        <Confirm title={`Reload ${file}?`} verb="Reload" onClose={() => setOpen(false)} onDo={run}>
          <p>
            The file is read and checked. If it is sound it takes over for new requests, and those that run end under
            the old one; otherwise nothing changes and this dialog says why.
          </p>
          <p>
            {diff === "" ? "It is the same as what runs." : `${plural(added, "line")} of it differ from what runs.`}
            {pending && !pending.ok && <b class="t-bad"> It has errors, and will be refused.</b>}
          </p>
        </Confirm>
      )}
    </>
  );
}
