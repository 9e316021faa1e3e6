// What TLS towards clients and towards upstreams have in common: versions and files.

import type { Text, TlsVersion } from "../../config/servers.ts";
import { literalText } from "../../config/text.ts";
import type { Directive } from "../tree.ts";
import { parseNumber, parseSeconds } from "../units.ts";
import { confPath, type Lowering } from "./lowering.ts";
import { complainUnsupported } from "./proxy-unsupported.ts";
import { argOf, argsOf, type Scope } from "./scope.ts";
import { hasVariables, textOf } from "./text.ts";

/** From the oldest on. */
export const VERSIONS: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/** The versions of the nearest block; SSL 2 and 3 exist nowhere any more. */
export function versionsOf(scope: Scope, name: string): readonly TlsVersion[] {
  const words = scope.all(name).flatMap((directive) => argsOf(directive));
  const given = VERSIONS.filter((version) => words.some((word) => word.toLowerCase() === version.toLowerCase()));
  return words.length === 0 ? ["TLSv1.2", "TLSv1.3"] : given;
}

/** A file beside the configuration; "" is none. */
export function fileOf(scope: Scope, name: string, lowering: Lowering): string | null {
  const value = argOf(scope.last(name));
  return value === "" ? null : confPath(lowering.options, value);
}

/** A certificate or key: a file, the PEM text behind "data:", or one with variables. */
export function pemText(scope: Scope, directive: Directive, lowering: Lowering): Text {
  const arg = directive.args[0]!;
  const [, store] = /^(engine|store):/.exec(arg.value) ?? [];
  if (store !== undefined) {
    const why = `keys of "${store}:" are not supported: OpenSSL's engines and stores are not reachable`;
    complainUnsupported(scope, directive, why, arg);
  }
  const text = textOf(scope, directive, arg);
  return /^(?:\/|\$|data:|engine:|store:)/.test(arg.value) ? text : literalText(lowering.options.confDir) + text;
}

/** Whether a certificate or its key is chosen per handshake. */
export function isText(...directives: readonly (Directive | undefined)[]): boolean {
  return directives.some((directive) => hasVariables(argOf(directive)));
}

/** Complains where the parameters of `…_ssl_certificate_cache` are wrong; certificates are kept anyway. */
export function checkCertificateCache(scope: Scope, name: string): void {
  for (const directive of scope.own(name)) {
    let hasMax = false;
    for (const arg of directive.args) {
      const [, key, value] = /^(max|inactive|valid)=(.*)$/s.exec(arg.value) ?? [];
      const good = key === "max" ? Boolean(parseNumber(value!)) : key ? parseSeconds(value!) !== undefined : false;
      hasMax ||= key === "max";
      if (!good && arg.value !== "off") scope.problems.complain(directive, `invalid parameter "${arg.value}"`, arg);
    }
    if (!hasMax && !directive.args.some(({ value }) => value === "off"))
      scope.problems.complain(directive, `"${name}" must have the "max" parameter`);
  }
}
