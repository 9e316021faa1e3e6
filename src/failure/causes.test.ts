import { expect, test } from "vitest";
import { CAUSE_IDS, CAUSES, isCauseId, PHASES } from "./causes.ts";

/** RFC 9209 §2.3: recommended statuses; http_request_error has whatever fits. */
const RFC9209: Readonly<Record<string, number | "any">> = {
  dns_timeout: 504,
  dns_error: 502,
  // Answered with 404 instead of the recommended 500.
  destination_not_found: 404,
  destination_unavailable: 503,
  destination_ip_unroutable: 502,
  connection_refused: 502,
  connection_terminated: 502,
  connection_timeout: 504,
  connection_read_timeout: 504,
  connection_limit_reached: 503,
  tls_protocol_error: 502,
  tls_certificate_error: 502,
  http_request_error: "any",
  http_request_denied: "any",
  http_response_incomplete: 502,
  http_response_header_section_size: 502,
  http_response_body_size: 502,
  http_response_transfer_coding: 502,
  http_response_timeout: 504,
  http_upgrade_failed: 502,
  http_protocol_error: 502,
  proxy_internal_error: 500,
  proxy_configuration_error: 500,
  proxy_loop_detected: 502,
};

test("there are 45 causes and each is known by its id", () => {
  expect(CAUSE_IDS).toHaveLength(45);
  expect(CAUSE_IDS.every(isCauseId)).toBe(true);
  expect(isCauseId("toString")).toBe(false);
});

test.each(CAUSE_IDS)("%s: columns agree with each other and with RFC 9209", (id) => {
  const cause = CAUSES[id];
  if (cause.proxyStatus !== null) {
    const recommended = RFC9209[cause.proxyStatus];
    expect(recommended, cause.proxyStatus).toBeDefined();
    if (recommended !== "any") expect(cause.status).toBe(recommended);
  }
  expect(PHASES).toContain(cause.phase);
  expect(cause.fault.length).toBeGreaterThan(0);
  expect(cause.waitHelps).toBe(cause.retryAfterSeconds !== null);
  // To ask for a delay is to say how long; what never mends is not waited for.
  if (cause.retry === "after-delay") expect(cause.waitHelps).toBe(true);
  if (cause.retry === "no") expect(cause.waitHelps).toBe(false);
});
