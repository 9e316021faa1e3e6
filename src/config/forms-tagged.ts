// Mappings of several kinds, told apart by the key that only one of them has: { return: 403 }, { set: a, to: b }.
import * as z from "zod/mini";
import { errorOf } from "./address.ts";
import type { Problem } from "./config.ts";
import type { Path } from "./document.ts";
import { mapping, refusal } from "./fields.ts";
import type { Form, See } from "./forms.ts";
import { laidOver, type RecordForm } from "./forms-record.ts";

// biome-ignore lint/suspicious/noExplicitAny: the kinds are records of different types
type AnyRecord = RecordForm<any>;

/** What tells the kinds apart is the first key of each that no other has. */
export function tagged<T extends object>(by: keyof T & string, kinds: Readonly<Record<string, AnyRecord>>): Form<T> {
  const all = Object.values(kinds).flatMap(keysOf);
  const isOwn = (key: string) => all.filter((other) => other === key).length === 1;
  const entries = Object.entries(kinds).map(([kind, form]) => ({ kind, form, tag: keysOf(form).find(isOwn)! }));
  const shape = Object.assign({}, ...entries.map(({ form }) => form.shape)) as Record<string, z.ZodMiniType>;
  const tags = entries.map(({ tag }) => tag);
  const read = z.transform((raw: Readonly<Record<string, unknown>>, context): T => {
    const given = entries.filter(({ tag }) => raw[tag] !== undefined);
    const [first] = given;
    const problem =
      given.length !== 1 || !first
        ? errorOf(
            given.length === 0
              ? `one of ${tags.join(", ")} is missing`
              : `${given.map(({ tag }) => tag).join(" and ")} at once`,
            `give it exactly one of ${tags.join(", ")}`,
          )
        : misfit(raw, first.form, first.tag);
    if (!problem)
      return {
        [by]: first!.kind,
        ...laidOver(first!.form.parts, first!.form.standard, first!.form.changeOf(raw)),
      } as T;
    context.issues.push({ code: "custom", input: raw, message: refusal(problem.message, problem.hint) });
    return z.NEVER;
  });
  return {
    schema: z.pipe(mapping(shape), read as never) as unknown as z.ZodMiniType<T>,
    write: (value) => {
      const { [by]: kind, ...rest } = value;
      const { form } = entries.find((each) => each.kind === kind)!;
      return form.write(rest);
    },
    visit: (raw: unknown, path: Path, see: See) => {
      if (typeof raw !== "object" || raw === null) return;
      entries.find(({ tag }) => (raw as Record<string, unknown>)[tag] !== undefined)?.form.visit?.(raw, path, see);
    },
  };
}

function keysOf(form: AnyRecord): string[] {
  return (Object.values(form.parts) as { key: string }[]).map(({ key }) => key);
}

/** A key that has no place beside this tag, or one that is missing. */
function misfit(raw: Readonly<Record<string, unknown>>, form: AnyRecord, tag: string): Problem | null {
  const parts = Object.values(form.parts) as { key: string; standard?: unknown }[];
  const odd = Object.keys(raw).find((key) => raw[key] !== undefined && !parts.some((part) => part.key === key));
  if (odd !== undefined)
    return errorOf(`${odd} has no place beside ${tag}`, `its keys: ${parts.map(({ key }) => key).join(", ")}`);
  const missing = parts.find((part) => !("standard" in part) && raw[part.key] === undefined);
  return missing ? errorOf(`"${missing.key}" is missing`) : null;
}
