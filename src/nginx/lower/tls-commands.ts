// `…_ssl_conf_command`: OpenSSL's own commands, which come after all other settings and may change them. Those that Node
// has a way for are understood, the others refused.

import type { TlsVersion } from "../../config/servers.ts";
import { literalText } from "../../config/text.ts";
import type { Arg, Directive } from "../tree.ts";
import { confPath, type Lowering } from "./lowering.ts";
import { complainUnsupported } from "./proxy-unsupported.ts";
import type { Scope } from "./scope.ts";
import { VERSIONS } from "./tls-options.ts";

/** What the commands change; null = nothing. */
export interface ConfCommands {
  protocols: readonly TlsVersion[];
  /** TLS 1.3's; "" = OpenSSL's standard. */
  ciphersuites: string;
  ciphers: string | null;
  serverPreference: boolean | null;
  sessionTickets: boolean | null;
  certificate: string | null;
  privateKey: string | null;
}

/** Reads those of the nearest block. */
export function confCommandsOf(
  scope: Scope,
  name: string,
  protocols: readonly TlsVersion[],
  lowering: Lowering,
): Readonly<ConfCommands> {
  const commands: ConfCommands = {
    protocols,
    ciphersuites: "",
    ciphers: null,
    serverPreference: null,
    sessionTickets: null,
    certificate: null,
    privateKey: null,
  };
  for (const directive of scope.all(name)) {
    const [command, value] = directive.args as [Arg, Arg];
    if (!apply(commands, command.value.toLowerCase(), value.value, lowering)) refuse(scope, directive, command);
  }
  return commands;
}

/** False = there is no way to do it. */
function apply(commands: ConfCommands, command: string, value: string, { options }: Lowering): boolean {
  const version = VERSIONS.indexOf(value as TlsVersion);
  switch (command) {
    case "ciphersuites":
      commands.ciphersuites = value;
      return true;
    case "cipherstring":
      commands.ciphers = value;
      return true;
    case "minprotocol":
      commands.protocols = VERSIONS.slice(version);
      return version !== -1;
    case "maxprotocol":
      commands.protocols = commands.protocols.filter((each) => VERSIONS.indexOf(each) <= version);
      return version !== -1;
    case "protocol":
      commands.protocols = protocolsOf(value, commands.protocols);
      return true;
    case "certificate":
      commands.certificate = literalText(confPath(options, value));
      return true;
    case "privatekey":
      commands.privateKey = literalText(confPath(options, value));
      return true;
    case "options":
      return value.split(",").every((word) => applyOption(commands, word.trim().toLowerCase()));
    default:
      return false;
  }
}

function applyOption(commands: ConfCommands, word: string): boolean {
  const isOn = !word.startsWith("-");
  const name = word.replace(/^[+-]/, "");
  if (name === "sessionticket") commands.sessionTickets = isOn;
  else if (name === "serverpreference") commands.serverPreference = isOn;
  else return false;
  return true;
}

/** OpenSSL's "-ALL, TLSv1.2": versions that are taken away or added. */
function protocolsOf(text: string, before: readonly TlsVersion[]): readonly TlsVersion[] {
  const enabled = new Set(before);
  for (const word of text.split(",").map((each) => each.trim().toLowerCase())) {
    const name = word.replace(/^[+-]/, "");
    for (const version of VERSIONS) {
      if (name !== "all" && name !== version.toLowerCase()) continue;
      if (word.startsWith("-")) enabled.delete(version);
      else enabled.add(version);
    }
  }
  return VERSIONS.filter((version) => enabled.has(version));
}

function refuse(scope: Scope, directive: Directive, command: Arg): void {
  const text = `"${directive.name}" with "${command.value}" is not supported: Node has no way to OpenSSL's commands`;
  const hint = `understood are Ciphersuites, CipherString, Protocol, MinProtocol, MaxProtocol, Certificate, PrivateKey, and the Options SessionTicket and ServerPreference`;
  complainUnsupported(scope, directive, text, command, hint);
}

/** TLS 1.3's suites and the others in one list, as Node takes them. */
export function cipherList({ ciphersuites, ciphers }: Readonly<ConfCommands>, configured: string): string {
  return [ciphersuites, ciphers ?? configured].filter((list) => list !== "").join(":");
}

/** The certificate that a command gives; a file may hold its key, too. */
export function commandPair({ certificate, privateKey }: Readonly<ConfCommands>): { cert: string; key: string } | null {
  return certificate === null ? null : { cert: certificate, key: privateKey ?? certificate };
}
