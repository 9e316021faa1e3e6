// The filters of the list. Each stands in the address; the text waits until the typing stops.
import { useEffect, useRef, useState } from "preact/hooks";
import { CAUSE_IDS, CAUSES } from "../../../failure/causes.ts";
import type { Severity } from "../../../incidents/model.ts";
import type { Now } from "../../model.ts";
import { useNowPart } from "../live.ts";
import { setQuery } from "../router.tsx";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Shape } from "../ui/shape.tsx";
import { SEVERITY_LOOK } from "../ui/tone.ts";
import { type IncidentFilters, isFiltered, NO_FILTERS, SEVERITIES, SEVERITY_WORDS, writeFilters } from "./filters.ts";

const TYPING_MS = 300;

/** Puts filters into the address; a step of the history each, but for the typing. */
export function chooseFilters(filters: IncidentFilters, push = true): void {
  const params = new URLSearchParams();
  writeFilters(params, filters);
  const names = ["state", "severity", "cause", "upstream", "endpoint", "text"];
  setQuery(Object.fromEntries(names.map((name) => [name, params.get(name)])), push);
}

export function FilterBar({ filters }: { readonly filters: IncidentFilters }) {
  const change = (part: Partial<IncidentFilters>): void => chooseFilters({ ...filters, ...part });
  // Only what the choices are made of: names change with a reload, not each second.
  const upstreams = useNowPart(namesOf).split("\n").filter(Boolean);
  const endpoints = useNowPart((now) => endpointsOf(now, filters.upstream))
    .split("\n")
    .filter(Boolean);
  const toggle = (severity: Severity): void => {
    const on = filters.severities.includes(severity);
    change({ severities: SEVERITIES.filter((one) => (one === severity ? !on : filters.severities.includes(one))) });
  };
  return (
    <form class="filters" aria-label="Filter incidents" onSubmit={(event) => event.preventDefault()}>
      <TextFilter filters={filters} />
      <Choice
        label="State"
        value={filters.state}
        all="Open and over"
        options={[
          ["open", "Open"],
          ["closed", "Over"],
        ]}
        onChange={(state) => change({ state: state as IncidentFilters["state"] })}
      />
      <Choice
        label="Cause"
        value={filters.cause}
        all="Every cause"
        options={CAUSE_IDS.map((id) => [id, `${id}: ${CAUSES[id].title}`])}
        onChange={(cause) => change({ cause })}
      />
      <Choice
        label="Upstream"
        value={filters.upstream}
        all="Every upstream"
        options={upstreams.map((name) => [name, name])}
        onChange={(upstream) => change({ upstream, endpoint: "" })}
      />
      <Choice
        label="Endpoint"
        value={filters.endpoint}
        all="Every endpoint"
        options={endpoints.map((name) => [name, name])}
        onChange={(endpoint) => change({ endpoint })}
      />
      <fieldset class="severities">
        <legend class="unseen">Severity</legend>
        {SEVERITIES.map((severity) => (
          <Button
            key={severity}
            small
            kind="quiet"
            pressed={filters.severities.includes(severity)}
            title={SEVERITY_WORDS[severity]}
            onClick={() => toggle(severity)}
          >
            <Shape name={SEVERITY_LOOK[severity].shape} tone={SEVERITY_LOOK[severity].tone} /> {severity}
          </Button>
        ))}
      </fieldset>
      {isFiltered(filters) && (
        <Button small kind="quiet" onClick={() => chooseFilters(NO_FILTERS)}>
          Clear filters
        </Button>
      )}
    </form>
  );
}

function namesOf(now: Now | null): string {
  return (now?.upstreams ?? []).map(({ name }) => name).join("\n");
}

function endpointsOf(now: Now | null, upstream: string): string {
  const labels = (now?.upstreams ?? [])
    .filter(({ name }) => upstream === "" || name === upstream)
    .flatMap(({ endpoints }) => endpoints.map(({ label }) => label));
  return [...new Set(labels)].join("\n");
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  /** The option that filters nothing. */
  readonly all: string;
  readonly options: readonly (readonly [value: string, title: string])[];
  readonly onChange: (value: string) => void;
}

/** A <select>; a value that the configuration no longer knows can still be chosen, because it is. */
export function Choice({ label, value, all, options, onChange }: ChoiceProps) {
  const known = value === "" || options.some(([one]) => one === value);
  return (
    <Field label={label} quiet>
      <select
        value={value}
        onChange={(event: Event) => onChange((event.currentTarget as HTMLSelectElement).value)}
        class={value === "" || all === "" ? "" : "set"}
      >
        {all !== "" && <option value="">{all}</option>}
        {!known && <option value={value}>{value}</option>}
        {options.map(([one, title]) => (
          <option key={one} value={one}>
            {title}
          </option>
        ))}
      </select>
    </Field>
  );
}

function TextFilter({ filters }: { readonly filters: IncidentFilters }) {
  const [text, setText] = useState(filters.text);
  const typing = useRef(0);
  const latest = useRef(filters);
  latest.current = filters;
  useEffect(() => {
    window.clearTimeout(typing.current);
    setText(filters.text);
  }, [filters.text]);
  useEffect(() => () => window.clearTimeout(typing.current), []);
  return (
    <Field label="Text" quiet>
      <input
        type="search"
        placeholder="Search verdicts, causes, paths"
        data-search
        maxLength={200}
        value={text}
        onInput={(event: Event) => {
          const { value } = event.currentTarget as HTMLInputElement;
          setText(value);
          window.clearTimeout(typing.current);
          typing.current = window.setTimeout(() => chooseFilters({ ...latest.current, text: value }, false), TYPING_MS);
        }}
      />
    </Field>
  );
}
