// The document of `goodgate doctor --json` (schema/doctor.json), as far as the page shows it. It comes as unknown: what is
// missing or of another kind is left out rather than trusted.

export interface Reason {
  readonly text: string;
  readonly source: string;
}

export interface Fix {
  readonly text: string;
  readonly command: string | null;
  readonly config: { readonly language: string; readonly text: string; readonly file: string | null } | null;
}

export interface Verdict {
  readonly class: string;
  readonly confidence: string;
  readonly hopName: string;
  readonly address: string | null;
  readonly headline: string;
  readonly reasons: readonly Reason[];
  readonly rate: string;
  readonly fixes: readonly Fix[];
  readonly settles: { readonly text: string; readonly command: string | null } | null;
  readonly entry: string | null;
}

export interface Hop {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly software: string | null;
  readonly address: string | null;
  readonly mark: "good" | "bad" | "warn" | "behind" | "unknown";
  readonly said: string;
}

export interface Diagnosis {
  readonly outcome: "fault" | "healthy" | "unknown";
  readonly summary: string;
  readonly tookMs: number | null;
  readonly verdict: Verdict | null;
  readonly alternatives: readonly Verdict[];
  readonly chain: readonly Hop[];
  readonly risks: readonly { readonly text: string; readonly fix: string; readonly severity: string }[];
  readonly excluded: readonly { readonly what: string; readonly because: string }[];
  readonly notTested: readonly { readonly check: string; readonly reason: string; readonly how: string | null }[];
  readonly nextCheck: { readonly text: string; readonly command: string | null } | null;
  readonly tested: readonly string[];
}

/** The document with empty lists where it has none; throws where it is no diagnosis. */
export function readDiagnosis(document: unknown): Diagnosis {
  if (document === null || typeof document !== "object" || !("outcome" in document)) {
    throw new Error("The answer is not a diagnosis: are the page and the gateway of the same version?");
  }
  const given = document as Partial<Diagnosis>;
  const verdictOf = (verdict: Verdict): Verdict => ({
    ...verdict,
    reasons: listOf(verdict.reasons),
    fixes: listOf(verdict.fixes),
  });
  return {
    outcome: given.outcome ?? "unknown",
    summary: given.summary ?? "",
    tookMs: given.tookMs ?? null,
    verdict: given.verdict ? verdictOf(given.verdict) : null,
    alternatives: listOf(given.alternatives).map(verdictOf),
    chain: listOf(given.chain),
    risks: listOf(given.risks),
    excluded: listOf(given.excluded),
    notTested: listOf(given.notTested),
    nextCheck: given.nextCheck ?? null,
    tested: listOf(given.tested),
  };
}

const listOf = <T>(value: readonly T[] | undefined): readonly T[] => (Array.isArray(value) ? value : []);
