// Who may: allow and deny rules over addresses, and the address that counts where proxies stand before us. Rules are
// compiled once; asking them allocates nothing. A client of a Unix socket has the address "unix:".
import type { AccessConfig, RealIpConfig } from "../config/servers.ts";
import { type Block, compileAddressSet, familyOf, isIn, readBlock, UNIX } from "../wire/address-set.ts";
import { type AddressWords, readIp } from "../wire/ip-address.ts";
import type { RealIpRules } from "../wire/real-address.ts";

interface Rule {
  readonly allow: boolean;
  /** null = any address. */
  readonly block: Block | null;
}

/** Allow and deny rules. */
export interface AccessRules {
  readonly ip: readonly Rule[];
  /** Whether a rule is for IPv4: only then an IPv4 client of an IPv6 socket goes by these. */
  readonly someIpv4: boolean;
  /** The first rule that says something about Unix sockets; null = none does. */
  readonly unix: boolean | null;
}

/** Compiles rules; what is neither "all", "unix:" nor a block fits nobody (the check has refused it). */
export function compileAccess(rules: AccessConfig["rules"]): AccessRules {
  const ip: Rule[] = [];
  for (const { allow, from } of rules) {
    const block = from === "all" ? null : readBlock(from);
    if (block || from === "all") ip.push({ allow, block });
  }
  const unix = rules.find(({ from }) => from === "all" || from === UNIX);
  const someIpv4 = ip.some(({ block }) => block === null || block.family === 4);
  return { ip, someIpv4, unix: unix?.allow ?? null };
}

const words: AddressWords = new Uint32Array(4);

/** Whether this address may; null = no rule is for it. */
export function decideAccess(rules: AccessRules, address: string): boolean | null {
  if (address.startsWith(UNIX)) return rules.unix;
  if (rules.ip.length === 0) return null;
  const own = readIp(address, 0, address.length, words);
  const family = rules.someIpv4 ? familyOf(own, words) : own;
  for (let i = 0; i < rules.ip.length; i++) {
    const { allow, block } = rules.ip[i]!;
    if (block === null || isIn(block, words, family)) return allow;
  }
  return null;
}

/** Compiles real-ip rules; host names among them have been resolved. */
export function compileRealIp({ from, header, recursive }: RealIpConfig): RealIpRules {
  return { trusted: compileAddressSet(from), recursive, everyLine: header === "x-forwarded-for" };
}
