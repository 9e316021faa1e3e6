// A failure's time as bars: one row per attempt and per wait, one axis. The bars are for the eye; the table below says
// the same in words, and is what screen readers get. A row that is pressed shows the evidence of its attempt.
import type { KeptFailure } from "../../../observe/report.ts";
import { span } from "../format.ts";
import { BAR_NAMES, type Bar, barWords, type Row, type Waterfall, waterfallOf } from "./waterfall.ts";

const percent = (ms: number, { spanMs }: Waterfall): string => `${((ms / spanMs) * 100).toFixed(3)}%`;

export function WaterfallView({ failure }: { readonly failure: KeptFailure }) {
  const waterfall = waterfallOf(failure);
  if (waterfall.rows.length === 0) {
    return <p class="soft">It ended before anything was tried: there is no attempt to show.</p>;
  }
  return (
    <div class="waterfall">
      <div class="wf-picture" aria-hidden="true">
        <div class="wf-axis">
          {waterfall.ticks.map((tick) => (
            <span key={tick} style={{ left: percent(tick, waterfall) }}>
              {span(tick)}
            </span>
          ))}
        </div>
        {waterfall.rows.map((row) => (
          <PictureRow key={row.label} row={row} waterfall={waterfall} />
        ))}
      </div>
      <InWords waterfall={waterfall} failure={failure} />
    </div>
  );
}

function PictureRow({ row, waterfall }: { readonly row: Row; readonly waterfall: Waterfall }) {
  const begin = row.bars[0]?.fromMs ?? 0;
  const end = row.bars[row.bars.length - 1]?.toMs ?? begin;
  return (
    <div class={row.attempt === null ? "wf-row wf-wait" : "wf-row"}>
      <p class="wf-label">
        <b>{row.label}</b> {row.endpoint}
        <span class="wf-total"> {span(end - begin)}</span>
      </p>
      <div class="wf-track">
        {waterfall.ticks.map((tick) => (
          <i key={tick} style={{ left: percent(tick, waterfall) }} />
        ))}
        {row.bars.map((bar) => (
          <PictureBar key={bar.kind} bar={bar} waterfall={waterfall} />
        ))}
      </div>
      <p class="wf-words">
        {row.bars.map((bar) => (
          <span key={bar.kind} class={bar.failed ? "failed" : ""}>
            <span class={`wf-sample b-${bar.kind}`} />
            {BAR_NAMES[bar.kind]} {span(bar.toMs - bar.fromMs)}
            {bar.failed && " ✕"}
          </span>
        ))}
      </p>
    </div>
  );
}

function PictureBar({ bar, waterfall }: { readonly bar: Bar; readonly waterfall: Waterfall }) {
  const { kind, fromMs, toMs, failed } = bar;
  const wide = (toMs - fromMs) / waterfall.spanMs > 0.14;
  return (
    <span
      class={`wf-bar b-${kind}${failed ? " failed" : ""}`}
      data-kind={kind}
      style={{ left: percent(fromMs, waterfall), width: percent(toMs - fromMs, waterfall) }}
      title={barWords(bar)}
    >
      {wide && <span>{span(toMs - fromMs)}</span>}
    </span>
  );
}

interface InWordsProps {
  readonly waterfall: Waterfall;
  readonly failure: KeptFailure;
}

/** The same as a table. */
function InWords({ waterfall, failure }: InWordsProps) {
  return (
    <details class="figures">
      <summary>Waterfall as a table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      {/* biome-ignore lint/a11y/useSemanticElements: the frame of a table that scrolls */}
      <div class="table-box" role="region" tabIndex={0} aria-label="Waterfall as a table">
        <table>
          <caption class="unseen">
            Where the time of {failure.method} {failure.target} went
          </caption>
          <thead>
            <tr>
              <th scope="col">Part</th>
              <th scope="col">Phase</th>
              <th scope="col" class="number">
                From
              </th>
              <th scope="col" class="number">
                Until
              </th>
              <th scope="col" class="number">
                Took
              </th>
              <th scope="col">Outcome</th>
            </tr>
          </thead>
          <tbody>
            {waterfall.rows.flatMap((row) =>
              row.bars.map((bar) => (
                <tr key={`${row.label} ${bar.kind}`}>
                  <th scope="row">
                    {row.label} {row.endpoint}
                  </th>
                  <td>{BAR_NAMES[bar.kind]}</td>
                  <td class="number">{span(bar.fromMs)}</td>
                  <td class="number">{span(bar.toMs)}</td>
                  <td class="number">{span(bar.toMs - bar.fromMs)}</td>
                  <td>{bar.failed ? "failed here" : "done"}</td>
                </tr>
              )),
            )}
          </tbody>
        </table>
      </div>
    </details>
  );
}
