// Mappings with fixed keys, as tables: a part for each field of a type, with its key, its form, its words and what it
// is where nobody says. They are read in two ways: whole (what is missing has its standard value), or as changes
// (only what is written), which are laid one over the other: that is how blocks inherit.
import * as z from "zod/mini";
import type { Path } from "./document.ts";
import { field, mapping } from "./fields.ts";
import type { Form, See } from "./forms.ts";

export interface Part<T> {
  readonly key: string;
  readonly form: Form<T>;
  readonly description: string;
  /** Missing = it has to be written; undefined = the field is not there then. */
  readonly standard?: T;
  /** Its fields are inherited one by one. */
  readonly group?: RecordForm<T>;
}

export type Parts<T> = { readonly [K in keyof T]-?: Part<T[K]> };

/** What a block says: some of the fields, those of groups in part. */
export type Change<T> = { readonly [K in keyof T]?: T[K] };

export interface RecordForm<T> extends Form<T> {
  readonly parts: Parts<T>;
  readonly standard: T;
  /** zod's fields for a mapping that has others besides; none has a default. */
  readonly shape: Readonly<Record<string, z.ZodMiniType>>;
  /** What of the written fields is of this record, by the names of the type. */
  readonly changeOf: (raw: Readonly<Record<string, unknown>>) => Change<T>;
  /** A change as it is written. */
  readonly writeChange: (change: Change<T>) => Record<string, unknown>;
}

/** A field. */
export function part<T>(key: string, form: Form<T>, description: string, ...standard: [] | [NoInfer<T>]): Part<T> {
  return standard.length === 0 ? { key, form, description } : { key, form, description, standard: standard[0] as T };
}

/** A field that is not there where nobody says. */
export function optional<T>(key: string, form: Form<T>, description: string): Part<T | undefined> {
  return { key, form: form as Form<T | undefined>, description, standard: undefined };
}

/** A field whose own fields are inherited one by one. */
export function groupPart<T>(key: string, group: RecordForm<T>, description: string): Part<T> {
  const changes = z.pipe(
    mapping({ ...group.shape }),
    z.transform((raw) => group.changeOf(raw as never)),
  );
  const form: Form<T> = { ...group, schema: changes as unknown as z.ZodMiniType<T> };
  return { key, form, description, standard: group.standard, group };
}

type AnyParts = Readonly<Record<string, Part<unknown>>>;

/** A mapping with these fields and no others. */
export function record<T extends object>(parts: Parts<T>): RecordForm<T> {
  const all = parts as unknown as AnyParts;
  const entries = Object.entries(all);
  const shape = Object.fromEntries(entries.map(([, each]) => [each.key, zodOf(each)]));
  const standard = Object.fromEntries(
    entries.filter(([, each]) => each.standard !== undefined).map(([name, each]) => [name, each.standard]),
  ) as T;
  const changeOf = (raw: Readonly<Record<string, unknown>>): Change<T> =>
    Object.fromEntries(
      entries.filter(([, { key }]) => raw[key] !== undefined).map(([name, { key }]) => [name, raw[key]]),
    ) as Change<T>;
  const required = new Set(entries.filter(([, each]) => !("standard" in each)).map(([, { key }]) => key));
  const whole = Object.fromEntries(
    Object.entries(shape).map(([key, schema]) => [key, required.has(key) ? required_(all, key) : schema]),
  );
  const writeChange = (change: Change<T>): Record<string, unknown> => writeParts(all, change as never);
  return {
    parts,
    standard,
    shape,
    changeOf,
    writeChange,
    schema: z.pipe(
      mapping(whole),
      z.transform((raw) => laidOver(parts, standard, changeOf(raw as never))),
    ) as unknown as z.ZodMiniType<T>,
    write: (value) => writeChange(difference(parts, standard, value)),
    visit: (raw, path, see) => visitParts(all, raw, path, see),
  };
}

function zodOf({ form, description, standard, group }: Part<unknown>): z.ZodMiniType {
  const written = standard === undefined || group ? undefined : form.write(standard);
  const words = { ...form.words, ...(written === undefined ? {} : { standard: written }) };
  return z.optional(field(form.schema, description, words)) as unknown as z.ZodMiniType;
}

function required_(parts: AnyParts, key: string): z.ZodMiniType {
  const { form, description } = Object.values(parts).find((each) => each.key === key)!;
  return field(form.schema, description, form.words) as unknown as z.ZodMiniType;
}

/** The value with a change over it. */
export function laidOver<T>(parts: Parts<T>, value: T, change: Change<T>): T {
  const result: Record<string, unknown> = { ...(value as object) };
  for (const [name, each] of Object.entries(change)) {
    const group = (parts as unknown as AnyParts)[name]?.group as RecordForm<unknown> | undefined;
    result[name] = group ? laidOver(group.parts, result[name], each as Change<unknown>) : each;
  }
  return result as T;
}

/** Two changes as one; the second stands over the first. */
export function joined<T>(parts: Parts<T>, below: Change<T>, above: Change<T>): Change<T> {
  const result: Record<string, unknown> = { ...below };
  for (const [name, each] of Object.entries(above)) {
    const group = (parts as unknown as AnyParts)[name]?.group as RecordForm<unknown> | undefined;
    const under = result[name];
    result[name] = group && under !== undefined ? joined(group.parts, under as never, each as never) : each;
  }
  return result as Change<T>;
}

/** What has to be laid over `base` so that `value` comes of it; {} = nothing. */
export function difference<T>(parts: Parts<T>, base: Partial<T>, value: T): Change<T> {
  const change: Record<string, unknown> = {};
  for (const [name, { group }] of Object.entries(parts as unknown as AnyParts)) {
    const [now, before] = [value[name as keyof T] as unknown, base[name as keyof T] as unknown];
    if (now === undefined || isSame(now, before)) continue;
    const inner = group && before !== undefined ? difference(group.parts as never, before, now) : now;
    if (!group || Object.keys(inner as object).length > 0) change[name] = inner;
  }
  return change as Change<T>;
}

function writeParts(parts: AnyParts, change: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const written: Record<string, unknown> = {};
  for (const [name, { key, form, group }] of Object.entries(parts)) {
    if (!Object.hasOwn(change, name)) continue;
    const each = group ? group.writeChange(change[name] as never) : form.write(change[name]);
    if (each !== undefined) written[key] = each;
  }
  return written;
}

function visitParts(parts: AnyParts, raw: unknown, path: Path, see: See): void {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return;
  for (const { key, form } of Object.values(parts)) {
    const value = (raw as Record<string, unknown>)[key];
    if (value !== undefined) form.visit?.(value, [...path, key], see);
  }
}

/** Whether two values of a configuration are the same, whatever the order of their fields. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((each, i) => isSame(each, b[i]));
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && isSame(a[key as never], b[key as never]));
}
