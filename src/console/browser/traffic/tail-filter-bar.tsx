// The filters of the live tail; the gateway filters, so that what is not wanted is not sent.
import { useEffect, useRef, useState } from "preact/hooks";
import { CAUSE_IDS } from "../../../failure/causes.ts";
import type { TailFilter } from "../../../observe/report.ts";
import { Choice } from "../incidents/filter-bar.tsx";
import { useNowPart } from "../live.ts";
import { setQuery } from "../router.tsx";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { statusProblem, tailFilterValues } from "./tail-filter.ts";

const TYPING_MS = 400;
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

const plain = (names: readonly string[]): (readonly [string, string])[] => names.map((name) => [name, name]);
const lines = (text: string): string[] => text.split("\n").filter(Boolean);

export function TailFilterBar({ filter }: { readonly filter: TailFilter }) {
  const routes = lines(useNowPart((now) => (now?.routes ?? []).map(({ name }) => name).join("\n")));
  const upstreams = lines(useNowPart((now) => (now?.upstreams ?? []).map(({ name }) => name).join("\n")));
  const endpoints = lines(
    useNowPart((now) =>
      (now?.upstreams ?? [])
        .filter(({ name }) => filter.upstream === undefined || name === filter.upstream)
        .flatMap((upstream) => upstream.endpoints.map(({ label }) => label))
        .join("\n"),
    ),
  );
  const change = (part: Readonly<Record<string, string | number | boolean>>): void =>
    setQuery(tailFilterValues({ ...filter, ...part }));
  return (
    <form class="filters" aria-label="Filter the live tail" onSubmit={(event) => event.preventDefault()}>
      <Button
        small
        pressed={filter.failuresOnly === true}
        onClick={() => change({ failuresOnly: filter.failuresOnly !== true })}
      >
        Failures only
      </Button>
      <Typed label="Text in host and path" value={filter.text ?? ""} search onChange={(text) => change({ text })} />
      <Typed
        label="Status"
        hint="5xx or 404"
        value={filter.status ?? ""}
        problem={statusProblem}
        onChange={(status) => change({ status })}
      />
      <Typed
        label="Longer than, ms"
        value={filter.minMs === undefined ? "" : String(filter.minMs)}
        problem={(text) => (text === "" || Number(text) >= 0 ? "" : `“${text}” is no number of milliseconds`)}
        onChange={(text) => change({ minMs: Number(text) || 0 })}
      />
      <Choice
        label="Method"
        value={filter.method ?? ""}
        all="Every method"
        options={plain(METHODS)}
        onChange={(method) => change({ method })}
      />
      <Choice
        label="Cause"
        value={filter.cause ?? ""}
        all="Every cause"
        options={plain(CAUSE_IDS)}
        onChange={(cause) => change({ cause })}
      />
      <Choice
        label="Route"
        value={filter.route ?? ""}
        all="Every route"
        options={plain(routes)}
        onChange={(route) => change({ route })}
      />
      <Choice
        label="Upstream"
        value={filter.upstream ?? ""}
        all="Every upstream"
        options={plain(upstreams)}
        onChange={(upstream) => change({ upstream, endpoint: "" })}
      />
      <Choice
        label="Endpoint"
        value={filter.endpoint ?? ""}
        all="Every endpoint"
        options={plain([...new Set(endpoints)])}
        onChange={(endpoint) => change({ endpoint })}
      />
      {Object.keys(filter).length > 0 && (
        <Button small kind="quiet" onClick={() => setQuery(tailFilterValues({}))}>
          Clear filters
        </Button>
      )}
    </form>
  );
}

interface TypedProps {
  readonly label: string;
  readonly value: string;
  readonly hint?: string;
  readonly search?: boolean;
  /** Why a text cannot be used; "" = it can. */
  readonly problem?: (text: string) => string;
  readonly onChange: (text: string) => void;
}

/** A field that waits until the typing stops. */
function Typed({ label, value, hint, search, problem, onChange }: TypedProps) {
  const [text, setText] = useState(value);
  const typing = useRef(0);
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    window.clearTimeout(typing.current);
    setText(value);
  }, [value]);
  useEffect(() => () => window.clearTimeout(typing.current), []);
  const error = problem?.(text.trim()) ?? "";
  return (
    <Field label={label} quiet {...(error ? { error } : {})}>
      <input
        type="search"
        placeholder={hint ? `${label}: ${hint}` : label}
        maxLength={200}
        data-search={search ? "" : undefined}
        value={text}
        onInput={(event: Event) => {
          const next = (event.currentTarget as HTMLInputElement).value;
          setText(next);
          window.clearTimeout(typing.current);
          if ((problem?.(next.trim()) ?? "") !== "") return;
          typing.current = window.setTimeout(() => latest.current(next.trim()), TYPING_MS);
        }}
      />
    </Field>
  );
}
