// What an action does, said before it is done.
import { useState } from "preact/hooks";
import type { EndpointNow, UpstreamNow } from "../../model.ts";
import { api } from "../api.ts";
import { toast } from "../toasts.tsx";
import { Confirm } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";

export interface AskedAction {
  readonly do: "drain" | "disable" | "enable" | "weight";
  readonly upstream: UpstreamNow;
  readonly endpoint: EndpointNow;
}

interface Words {
  readonly title: string;
  readonly verb: string;
  readonly danger?: boolean;
  readonly says: string;
}

const WEIGHT_MAX = 1000;

function wordsOf({ do: what, endpoint, upstream }: AskedAction): Words {
  const { label, active, configuredWeight } = endpoint;
  const running = active === 0 ? "None runs now." : `${active} run now.`;
  if (what === "drain") {
    const says = `No new request goes to it; those that run end by themselves. ${running} Its share goes to the other members of ${upstream.name}.`;
    return { title: `Drain ${label}?`, verb: "Drain", says };
  }
  if (what === "disable") {
    const says = `It gets no new request until it is enabled again; health checks do not bring it back. ${running}`;
    return { title: `Disable ${label}?`, verb: "Disable", danger: true, says };
  }
  if (what === "enable") {
    const says = `It takes requests again with its weight of the file (${configuredWeight}). Drain, disable and another weight are taken back; if it was ejected, it is let in at once.`;
    return { title: `Enable ${label}?`, verb: "Enable", says };
  }
  const says = "Its share among the members: one with 2 gets twice what one with 1 gets; 0 gets nothing.";
  return { title: `Weight of ${label}`, verb: "Set weight", says };
}

const TAKES: ReadonlySet<string> = new Set(["ok", "warming"]);

/** Whether nothing would be left that takes requests. */
function isLast({ do: what, upstream, endpoint }: AskedAction, weight: number): boolean {
  if (what === "enable" || (what === "weight" && weight > 0)) return false;
  return !upstream.endpoints.some(
    ({ label, state, weight: own }) => label !== endpoint.label && TAKES.has(state) && own > 0,
  );
}

export function ActionDialog({ asked, onClose }: { readonly asked: AskedAction; readonly onClose: () => void }) {
  const { endpoint, upstream } = asked;
  const [weight, setWeight] = useState(String(endpoint.weight));
  const [error, setError] = useState("");
  const { title, verb, danger, says } = wordsOf(asked);
  const run = async (): Promise<void> => {
    const where = { upstream: upstream.name, endpoint: endpoint.label };
    if (asked.do === "weight" && !/^\d{1,4}$/.test(weight.trim())) {
      const problem = `The weight is a whole number from 0 to ${WEIGHT_MAX}.`;
      setError(problem);
      throw new Error(problem);
    }
    const result = await api.act(
      asked.do === "weight" ? { do: "weight", ...where, weight: Number(weight) } : { do: asked.do, ...where },
    );
    if (!result.ok) throw new Error(result.said);
    toast(result.said, "good");
  };
  const last = isLast(asked, Number(weight));
  return (
    <Confirm title={title} verb={verb} danger={danger === true || last} onClose={onClose} onDo={run}>
      <p>{says}</p>
      {asked.do === "weight" && (
        <Field label="Weight" hint={`In the file: ${endpoint.configuredWeight}`} {...(error ? { error } : {})}>
          <input
            inputMode="numeric"
            value={weight}
            onInput={(event: InputEvent) => {
              setError("");
              setWeight((event.currentTarget as HTMLInputElement).value);
            }}
          />
        </Field>
      )}
      {last && (
        <p class="t-bad">
          No other member of {upstream.name} takes requests: they wait where a hold is configured, and fail after it.
        </p>
      )}
    </Confirm>
  );
}
