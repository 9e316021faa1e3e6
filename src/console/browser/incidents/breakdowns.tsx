// What the failures of an incident have in common: how they spread over endpoints, causes, routes, paths, methods and
// statuses. A part that has one value only says that in a line; a bar chart of one bar says nothing.
import type { Incident } from "../../../incidents/model.ts";
import type { Counts } from "../../../observe/report.ts";
import { count, percent } from "../format.ts";

const ROWS_MAX = 8;

export function Breakdowns({ incident }: { readonly incident: Incident }) {
  const { endpoints, causes, routes, paths, methods, statuses, hosts } = incident;
  const parts: readonly (readonly [title: string, counts: Counts, none: string])[] = [
    ["Endpoints", endpoints, "none was involved"],
    ["Causes", causes, ""],
    ["Routes", routes, "none"],
    ["Paths", paths, "none"],
    ["Methods", methods, "none"],
    ["Statuses", statuses, "none was sent"],
    ["Hosts", hosts, "none"],
  ];
  const there = parts.filter(([, counts]) => Object.keys(counts).length > 0);
  const several = there.filter(([, counts]) => Object.keys(counts).length > 1);
  const single = there.filter(([, counts]) => Object.keys(counts).length === 1);
  if (there.length === 0) return null;
  return (
    <section class="card" aria-labelledby="breakdowns">
      <h2 id="breakdowns">What they have in common</h2>
      {single.length > 0 && (
        <dl class="single">
          {single.map(([title, counts, none]) => {
            const [name = ""] = Object.keys(counts);
            return (
              <div key={title}>
                <dt>{title}</dt>
                <dd>
                  {name === "" || (title === "Statuses" && name === "0") ? none : <code>{name}</code>}
                  <span class="soft"> only</span>
                </dd>
              </div>
            );
          })}
        </dl>
      )}
      <div class="breakdowns">
        {several.map(([title, counts, none]) => (
          <Breakdown key={title} title={title} counts={counts} none={none} />
        ))}
      </div>
    </section>
  );
}

interface BreakdownProps {
  readonly title: string;
  readonly counts: Counts;
  /** What the empty name means. */
  readonly none: string;
}

function Breakdown({ title, counts, none }: BreakdownProps) {
  const sorted = Object.entries(counts).sort(([, one], [, other]) => other - one);
  const total = sorted.reduce((sum, [, value]) => sum + value, 0);
  const rest = sorted.slice(ROWS_MAX);
  return (
    <div class="breakdown">
      <h3>{title}</h3>
      <ul>
        {sorted.slice(0, ROWS_MAX).map(([name, value]) => (
          <li key={name}>
            <span class="bar" style={{ width: `${((value / Math.max(1, total)) * 100).toFixed(1)}%` }} />
            <span class="name">{name === "" || (title === "Statuses" && name === "0") ? none : name}</span>
            <span class="value" title={percent(value / Math.max(1, total))}>
              {count(value)}
            </span>
          </li>
        ))}
      </ul>
      {rest.length > 0 && (
        <p class="soft">
          and {rest.length} more with {count(rest.reduce((sum, [, value]) => sum + value, 0))}
        </p>
      )}
    </div>
  );
}
