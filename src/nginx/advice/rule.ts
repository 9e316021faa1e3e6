// What a rule is. nginx accepts all that rules speak of: each names one thing that ends in a gateway error, in an
// answer that was not meant, or in a hole, says when, and says what to write instead in the user's own words. A rule
// that cannot tell from the files says nothing, since a false alarm costs more than a risk that is missed.
import type { CauseId } from "../../failure/causes.ts";
import type { Arg, Directive } from "../tree.ts";
import type { Survey } from "./survey.ts";

export interface Found {
  readonly directive: Directive;
  /** The argument that is meant; absent = the directive's name. */
  readonly arg?: Arg | undefined;
  /** What is wrong and what follows. Byte text. */
  readonly text: string;
  /** What to write. */
  readonly fix: string;
  readonly cause?: CauseId;
  /** Right in many places, and worth knowing: told on request only. */
  readonly note?: boolean;
  /** The line must not be shown. */
  readonly secret?: true;
}

export interface Rule {
  /** Users name it in "# goodgate-ignore: …". */
  readonly id: string;
  /** For the documentation: what is looked for. */
  readonly about: string;
  readonly find: (survey: Survey) => Iterable<Found>;
}
