// The risks of a configuration, in the order of its files. A comment "# goodgate-ignore: rule, rule" at a directive,
// or at a block around it, says that whoever wrote it knows.
import { shown, toByteText } from "../byte-text.ts";
import { type Inclusion, inNginxOrder, type NginxConfiguration } from "../load.ts";
import { outwards } from "../lower/scope.ts";
import { makeProblem, type NginxProblem } from "../problem.ts";
import type { Directive } from "../tree.ts";
import type { Found, Rule } from "./rule.ts";
import { RULES } from "./rules.ts";
import { type Survey, surveyOf } from "./survey.ts";

export interface Advice extends NginxProblem {
  readonly rule: string;
  /** Worth knowing, and no finding. */
  readonly note: boolean;
}

/** What the rules say of a configuration. `isPart`: of a file that others include, and nobody knows which. */
export function adviseNginx(configuration: NginxConfiguration, isPart = false): readonly Advice[] {
  const survey = surveyOf(configuration, isPart);
  const written = new Set(configuration.files.map(({ source }) => source));
  const found: { readonly problem: Advice; readonly inclusion: Inclusion }[] = [];
  const seen = new Set<string>();
  const silenced = silencedIn(survey);
  for (const rule of RULES) {
    for (const each of rule.find(survey)) {
      const { directive, arg } = each;
      const key = `${rule.id} ${directive.source.path} ${(arg ?? directive.head).start}`;
      if (
        seen.has(key) ||
        !written.has(directive.source) ||
        silenced(directive).has(rule.id) ||
        ignoredAt(directive).includes(rule.id)
      )
        continue;
      seen.add(key);
      found.push({ problem: adviceOf(rule, each), inclusion: survey.inclusionOf(directive) });
    }
  }
  return inNginxOrder(found).map(({ problem }) => problem as Advice);
}

function adviceOf({ id }: Rule, { directive, arg, text, fix, cause, note = false, secret }: Found): Advice {
  const { start, raw } = arg ?? directive.head;
  const problem = makeProblem({
    kind: "advice",
    severity: "warning",
    saidByNginx: false,
    source: directive.source,
    text: inBytes(text),
    noticedAt: directive.endsAt,
    at: start,
    length: raw.length,
    hint: shown(inBytes(fix)),
  });
  const { source: _, ...bare } = problem;
  return { ...(secret ? bare : problem), rule: id, note, ...(cause ? { cause } : {}) };
}

/** Words of ours, and words of the files, which are byte text already. */
function inBytes(text: string): string {
  return text.replace(/[^\x00-\xff]/gu, toByteText);
}

/** The rules that comments silence at a directive and in its block, for each directive. */
function silencedIn({ scopes, groups, main }: Survey): (directive: Directive) => ReadonlySet<string> {
  const around = new Map<Directive, ReadonlySet<string>>();
  for (const scope of [main, ...scopes, ...groups.values()]) {
    const words = new Set([...outwards(scope)].flatMap(({ directive }) => (directive ? ignoredAt(directive) : [])));
    for (const directive of scope.directives) around.set(directive, words);
  }
  return (directive) => around.get(directive) ?? new Set();
}

const IGNORE = /^#\s*goodgate-ignore:\s*(.*)$/;

function ignoredAt({ comments: { before, trailing } }: Directive): string[] {
  return [...before, trailing ?? ""].flatMap((comment) => {
    const [, words = ""] = IGNORE.exec(comment.trim()) ?? [];
    return words.split(/[\s,]+/);
  });
}
