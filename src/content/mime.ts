// The type of a file by its extension, and the charset that goes with it.
import type { CharsetConfig, Text, TypesConfig } from "../config/servers.ts";

/** What follows the last dot of the last segment, as it is written; "" = none. A dot that begins a name begins no extension. */
export function extensionOf(uri: string): string {
  const dot = uri.lastIndexOf(".");
  return dot < 2 || uri[dot - 1] === "/" || uri.includes("/", dot) ? "" : uri.slice(dot + 1);
}

/** The type for this uri; null = default_type. */
export function typeOf(uri: string, types: TypesConfig): string | null {
  const extension = extensionOf(uri).replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
  return Object.hasOwn(types.byExtension, extension) ? types.byExtension[extension]! : null;
}

/** The charset that content of this type, made here, is labelled with; "" = none. */
export function charsetOf(type: string, config: CharsetConfig | null, render: (text: Text) => string): string {
  if (config === null || type === "") return "";
  if (!config.types.includes("*") && !config.types.includes(type.toLowerCase())) return "";
  const charset = render(config.charset);
  return charset === "off" ? "" : charset;
}

/** Content-Type as it is sent; a type that brings its own parameters is left alone. */
export function withCharset(type: string, charset: string): string {
  return charset === "" || type === "" || /; *charset=/i.test(type) ? type : `${type}; charset=${charset}`;
}
