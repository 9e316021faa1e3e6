// The mail modules: known, so that the line is named where one is used.
// Rows: name, contexts, arguments, form, and what differs from the rule (spec.ts).
import { CLIENT_TLS, shared } from "./shared-rows.ts";
import { type DirectiveSpec, MAIL_ALL, MAIN, rowsOf } from "./spec.ts";

const REFUSED = ["refused", "Goodgate is no mail proxy"] as const;
const mailCore = rowsOf("mail_core", ...REFUSED);
const mailAuthHttp = rowsOf("mail_auth_http", ...REFUSED);
const mailImap = rowsOf("mail_imap", ...REFUSED);
const mailPop3 = rowsOf("mail_pop3", ...REFUSED);
const mailProxy = rowsOf("mail_proxy", ...REFUSED);
const mailRealip = rowsOf("mail_realip", ...REFUSED);
const mailSmtp = rowsOf("mail_smtp", ...REFUSED);
const mailSsl = rowsOf("mail_ssl", ...REFUSED);

/** The mail modules: known, so that the line is named where one is used. */
export const MAIL_MODULES: readonly DirectiveSpec[] = [
  mailCore("mail", MAIN, "TAKE0 BLOCK", "own", { once: true }),
  mailCore("server", ["mail"], "TAKE0 BLOCK", "own"),
  mailCore("listen", ["mail server"], "1MORE", "own"),
  mailCore("protocol", ["mail server"], "TAKE1", "own"),
  mailCore("timeout", MAIL_ALL, "TAKE1", "time", { default: "60s" }),
  mailCore("server_name", MAIL_ALL, "TAKE1", "string", { default: "hostname" }),
  mailCore("error_log", MAIL_ALL, "1MORE", "own"),
  mailCore("resolver", MAIL_ALL, "1MORE", "own", { default: "off", once: true }),
  mailCore("resolver_timeout", MAIL_ALL, "TAKE1", "time", { default: "30s" }),
  mailCore("max_errors", MAIL_ALL, "TAKE1", "number", { default: "5" }),

  mailAuthHttp("auth_http", MAIL_ALL, "TAKE1", "own"),
  mailAuthHttp("auth_http_timeout", MAIL_ALL, "TAKE1", "time", { default: "60s" }),
  mailAuthHttp("auth_http_header", MAIL_ALL, "TAKE2", "own"),
  mailAuthHttp("auth_http_pass_client_cert", MAIL_ALL, "FLAG", "flag", { default: "off" }),

  mailImap("imap_client_buffer", MAIL_ALL, "TAKE1", "size", { default: "4k|8k" }),
  mailImap("imap_capabilities", MAIL_ALL, "1MORE", "own", { default: "IMAP4 IMAP4rev1 UIDPLUS" }),
  mailImap("imap_auth", MAIL_ALL, "1MORE", { anyOf: ["plain", "login", "cram-md5", "external"] }, { default: "plain" }),

  mailPop3("pop3_capabilities", MAIL_ALL, "1MORE", "own", { default: "TOP USER UIDL" }),
  mailPop3("pop3_auth", MAIL_ALL, "1MORE", { anyOf: ["plain", "apop", "cram-md5", "external"] }, { default: "plain" }),

  mailProxy("proxy", MAIL_ALL, "FLAG", "flag", { default: "off" }),
  mailProxy("proxy_buffer", MAIL_ALL, "TAKE1", "size", { default: "4k|8k" }),
  mailProxy("proxy_timeout", MAIL_ALL, "TAKE1", "time", { default: "24h" }),
  mailProxy("proxy_pass_error_message", MAIL_ALL, "FLAG", "flag", { default: "off" }),
  mailProxy("xclient", MAIL_ALL, "FLAG", "flag", { default: "on" }),
  mailProxy("proxy_smtp_auth", MAIL_ALL, "FLAG", "flag", { default: "off" }),
  mailProxy("proxy_protocol", MAIL_ALL, "TAKE1", { oneOf: ["off", "on", "v2"] }, { default: "off" }),

  mailRealip("set_real_ip_from", MAIL_ALL, "TAKE1", "own"),

  mailSmtp("smtp_client_buffer", MAIL_ALL, "TAKE1", "size", { default: "4k|8k" }),
  mailSmtp("smtp_greeting_delay", MAIL_ALL, "TAKE1", "time", { default: "0" }),
  mailSmtp("smtp_capabilities", MAIL_ALL, "1MORE", "own"),
  mailSmtp(
    "smtp_auth",
    MAIL_ALL,
    "1MORE",
    { anyOf: ["plain", "login", "cram-md5", "external", "none"] },
    { default: "plain login" },
  ),

  mailSsl("starttls", MAIL_ALL, "TAKE1", "own", { default: "off" }),
  ...shared(mailSsl, "ssl_", MAIL_ALL, CLIENT_TLS),
];
