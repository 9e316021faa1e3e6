// The stand-in for a request head that could not be read: what is answered and logged where there is no request.
import type { RequestHead } from "../wire/head.ts";

export const UNREADABLE: RequestHead = {
  text: "",
  marks: [],
  size: 0,
  method: "",
  target: "",
  minor: 1,
  form: "origin",
  host: "",
  path: "/",
  query: "",
  bodyLength: 0,
  keepAlive: false,
  expectContinue: false,
  upgrade: "",
  nominated: null,
  seen: 0,
  bareLf: false,
  plainLength: false,
  hasVia: false,
  hasForwarded: false,
  hasXff: false,
  hasRequestId: false,
};
