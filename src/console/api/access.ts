// Calls about who asks: the session, login, logout, the audit. Login and logout are for everybody; what they do with
// cookies and guesses is in identity.ts.
import * as z from "zod/mini";
import { mapping, number, textOf } from "./fields.ts";
import { json, operation } from "./operation.ts";

const AUDIT_STANDARD = 100;

export const ACCESS = [
  operation({
    method: "GET",
    path: "/session",
    id: "getSession",
    tag: "Access",
    summary: "Who asks, and what is allowed.",
    role: "reader",
    answer: "Session",
    handle: async ({ caller, shared }) => json(shared.session(caller)),
  }),
  operation({
    method: "POST",
    path: "/session",
    id: "login",
    tag: "Access",
    summary:
      "Logs a browser in with a token; the answer sets a cookie. Programs send Authorization: Bearer TOKEN instead.",
    role: null,
    body: mapping({ token: textOf("The console's token.", 512) }),
    problems: [429],
    answer: "Session",
    handle: async ({ body: { token }, shared, visit }) => shared.login(token, visit),
  }),
  operation({
    method: "DELETE",
    path: "/session",
    id: "logout",
    tag: "Access",
    summary: "Ends the session of the cookie.",
    role: null,
    answer: "nothing",
    handle: async ({ shared, visit }) => shared.logout(visit),
  }),
  operation({
    method: "GET",
    path: "/audit",
    id: "listAudit",
    tag: "Access",
    summary: "Who did what through the console, newest first.",
    role: "admin",
    query: mapping({ limit: z.optional(number("At most so many; 100 where it is left out.", 1, 1_000)) }),
    answer: "Audit",
    handle: async ({ backend, query: { limit } }) => json(await backend.audit(limit ?? AUDIT_STANDARD)),
  }),
  operation({
    method: "GET",
    path: "/openapi.json",
    id: "getDocument",
    tag: "Access",
    summary: "This document.",
    role: "reader",
    answer: "Document",
    handle: async () => {
      const { openApiText } = await import("../openapi.ts");
      return { text: openApiText(), type: "application/json", kept: true };
    },
  }),
];
