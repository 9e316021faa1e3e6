// Clues of comparing: what visitors are answered, and what is answered behind it to the same request.
import { CAUSES } from "../../failure/causes.ts";
import type { Clue } from "./clue.ts";
import type { TargetState } from "./judge.ts";
import type { FaultClass } from "./model.ts";

/** Asking who it is, before anything is passed on, is what edges are for. */
const ASKS_WHO = [401, 407];

/** The address answers with an error of clients, and what is behind it answers the same request well. */
export function compareClues(url: TargetState, inner: readonly TargetState[]): Clue[] {
  const status = url.response?.status ?? null;
  if (url.condition !== "good" || status === null || status < 400 || ASKS_WHO.includes(status)) return [];
  const well = inner.filter((state) => state.condition === "good" && (state.response?.status ?? 500) < 400);
  const others = inner.filter(({ condition }) => condition !== "untested");
  if (well.length === 0 || well.length < others.length) return [];
  const names = well.map(({ seen, response }) => `${seen.target.id} answers ${response?.status ?? ""}`).join(", ");
  return [
    {
      from: "timing",
      class: classOf(status),
      certainty: "likely",
      hop: "url",
      address: null,
      depth: 0,
      reason: {
        text: `the address answers ${status}, and ${names} to the same request: something between them refuses it`,
        source: "probe url",
      },
    },
  ];
}

function classOf(status: number): FaultClass {
  if (status === CAUSES["route-not-found"].status) return "route-not-found";
  if (status === CAUSES["request-denied"].status) return "request-denied";
  if (status === CAUSES["rate-limited"].status) return "rate-limited";
  return [413, 414, 431].includes(status) ? "client-request-too-large" : "client-request-invalid";
}
