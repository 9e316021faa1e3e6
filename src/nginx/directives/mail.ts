// The mail modules: known, so that the line is named where one is used.
// Rows: name, contexts, arguments, form, and what differs from the rule (spec.ts).
import { type DirectiveSpec, MAIL_ALL, MAIN, rowsOf } from "./spec.ts";

const mailCore = rowsOf("mail_core", "refused", "Goodgate is no mail proxy");
const mailAuthHttp = rowsOf("mail_auth_http", "refused", "Goodgate is no mail proxy");
const mailImap = rowsOf("mail_imap", "refused", "Goodgate is no mail proxy");
const mailPop3 = rowsOf("mail_pop3", "refused", "Goodgate is no mail proxy");
const mailProxy = rowsOf("mail_proxy", "refused", "Goodgate is no mail proxy");
const mailRealip = rowsOf("mail_realip", "refused", "Goodgate is no mail proxy");
const mailSmtp = rowsOf("mail_smtp", "refused", "Goodgate is no mail proxy");
const mailSsl = rowsOf("mail_ssl", "refused", "Goodgate is no mail proxy");

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
  mailSsl("ssl_certificate", MAIL_ALL, "TAKE1", "string", { once: false }),
  mailSsl("ssl_certificate_key", MAIL_ALL, "TAKE1", "string", { once: false }),
  mailSsl("ssl_password_file", MAIL_ALL, "TAKE1", "own", { once: true }),
  mailSsl("ssl_certificate_compression", MAIL_ALL, "FLAG", "flag", { default: "off" }),
  mailSsl("ssl_dhparam", MAIL_ALL, "TAKE1", "string"),
  mailSsl("ssl_ecdh_curve", MAIL_ALL, "TAKE1", "string", { default: "auto" }),
  mailSsl(
    "ssl_protocols",
    MAIL_ALL,
    "1MORE",
    { anyOf: ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] },
    { default: "TLSv1.2 TLSv1.3" },
  ),
  mailSsl("ssl_ciphers", MAIL_ALL, "TAKE1", "string", { default: "HIGH:!aNULL:!MD5" }),
  mailSsl("ssl_prefer_server_ciphers", MAIL_ALL, "FLAG", "flag", { default: "off" }),
  mailSsl("ssl_session_cache", MAIL_ALL, "TAKE12", "own", { default: "none" }),
  mailSsl("ssl_session_tickets", MAIL_ALL, "FLAG", "flag", { default: "on" }),
  mailSsl("ssl_session_ticket_key", MAIL_ALL, "TAKE1", "string", { once: false }),
  mailSsl("ssl_session_timeout", MAIL_ALL, "TAKE1", "seconds", { default: "5m" }),
  mailSsl(
    "ssl_verify_client",
    MAIL_ALL,
    "TAKE1",
    { oneOf: ["off", "on", "optional", "optional_no_ca"] },
    { default: "off" },
  ),
  mailSsl("ssl_verify_depth", MAIL_ALL, "TAKE1", "number", { default: "1" }),
  mailSsl("ssl_client_certificate", MAIL_ALL, "TAKE1", "string"),
  mailSsl("ssl_trusted_certificate", MAIL_ALL, "TAKE1", "string"),
  mailSsl("ssl_crl", MAIL_ALL, "TAKE1", "string"),
  mailSsl("ssl_conf_command", MAIL_ALL, "TAKE2", "own"),
];
