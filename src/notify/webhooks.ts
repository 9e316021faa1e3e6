// Webhooks: somebody is told that an incident opened or closed. Each hook has a queue of its own, bounded, and sends
// one message at a time, so that "closed" never overtakes "opened". Incidents that come together (a second, or while
// an earlier message waits for its receiver) go out one by one while they are few, and as one summary where they are
// many; a hook sends a bounded number of messages a minute. What does not fit is counted, logged and part of the
// summary. tell() never throws and never waits.
import { isDeepStrictEqual } from "node:util";
import type { WebhookConfig } from "../config/observability.ts";
import type { Incident } from "../incidents/model.ts";
import type { Metrics } from "../observe/metrics.ts";
import { escapeControls, log } from "../std/log.ts";
import type { Ms } from "../std/units.ts";
import {
  DELIVERY_DEFAULTS,
  type DeliveryOptions,
  deliver,
  newDeliveryId,
  type Receiver,
  receiverOf,
} from "./delivery.ts";
import { type Content, type GatewayName, jsonBody, type News, SEVERITIES, type Told } from "./message.ts";
import { slackBody } from "./slack.ts";

const GATHER_MS: Ms = 1000;
/** Up to so many that came together are told one by one. */
const ONE_BY_ONE_MAX = 5;
const MESSAGES_PER_MINUTE = 20;
const WAITING_MAX = 200;
/** So long a hook that a reload took away may take to tell what waits. */
const REPLACED_GRACE_MS: Ms = 10_000;
/** Incidents of which is remembered that they were told as opened. */
const REMEMBERED_MAX = 5000;

export interface WebhookOptions extends Partial<DeliveryOptions> {
  readonly gatherMs?: Ms;
  readonly messagesPerMinute?: number;
  readonly waitingMax?: number;
  readonly log?: { info(message: string): void; warn(message: string): void };
}

/** How one webhook does. */
export interface WebhookState {
  /** "1 (hooks.slack.com)": its place in the configuration and its host; the rest of its address is a secret. */
  readonly name: string;
  readonly delivered: number;
  /** Messages that were given up. */
  readonly failed: number;
  /** Incidents that found the queue full: a summary has their number only. */
  readonly dropped: number;
  readonly waiting: number;
  /** Why the last try failed; null = it did not. */
  readonly lastError: string | null;
}

/** All webhooks of a configuration. */
export class Webhooks {
  #hooks: readonly Hook[] = [];
  readonly #leaving = new Set<Promise<void>>();
  readonly #gateway: GatewayName;
  readonly #options: WebhookOptions;

  constructor(configs: readonly WebhookConfig[], gateway: GatewayName, options: WebhookOptions = {}) {
    this.#gateway = gateway;
    this.#options = options;
    this.configure(configs);
  }

  /** Another configuration: hooks that are in it as they were stay with what they remember, others end. */
  configure(configs: readonly WebhookConfig[]): void {
    const before = this.#hooks;
    this.#hooks = configs.map(
      (config, index) =>
        before.find((hook) => hook.is(config, index + 1)) ?? new Hook(config, index + 1, this.#gateway, this.#options),
    );
    for (const hook of before) {
      if (this.#hooks.includes(hook)) continue;
      const left = hook.close(REPLACED_GRACE_MS).finally(() => this.#leaving.delete(left));
      this.#leaving.add(left);
    }
  }

  /**
   * Tells of an incident that opened or closed. "opened" may be told again whenever the incident has changed: where it
   * still waits the newer one goes out, a hook that had it too light tells it once it is grave enough, and one that
   * has told it passes it over.
   */
  tell(kind: Told, incident: Incident): void {
    for (const hook of this.#hooks) hook.tell({ kind, incident });
  }

  state(): readonly WebhookState[] {
    return this.#hooks.map((hook) => hook.state());
  }

  /** Adds what became of messages to the metrics of the process that has the incidents. */
  registerMetrics(metrics: Metrics): void {
    const read = (value: (state: WebhookState) => number) => () =>
      this.state().map((state) => [[state.name], value(state)] as const);
    const counter = { type: "counter", labels: ["webhook"] } as const;
    metrics.register(
      "goodgate_webhook_delivered_total",
      "Messages that a webhook took.",
      read((s) => s.delivered),
      counter,
    );
    metrics.register(
      "goodgate_webhook_failed_total",
      "Messages that a webhook did not take, whatever was tried.",
      read((s) => s.failed),
      counter,
    );
    metrics.register(
      "goodgate_webhook_dropped_total",
      "Incidents of which a webhook was told the number only, since too many waited.",
      read((s) => s.dropped),
      counter,
    );
  }

  /** Sends what waits, one try each, for at most so long. */
  async close(graceMs: Ms): Promise<void> {
    await Promise.all([...this.#hooks.map((hook) => hook.close(graceMs)), ...this.#leaving]);
  }
}

class Hook {
  readonly #config: WebhookConfig;
  readonly #receiver: Receiver;
  readonly #number: number;
  readonly #name: string;
  readonly #gateway: GatewayName;
  readonly #options: Required<WebhookOptions>;
  readonly #ended = new AbortController();
  readonly #toldOpened = new Set<string>();
  #waiting: News[] = [];
  /** Those that did not fit, since the last message. */
  #uncounted = { opened: 0, closed: 0 };
  #delivered = 0;
  #failed = 0;
  #dropped = 0;
  #lastError: string | null = null;
  #running: Promise<void> | null = null;
  #hurry = false;
  #wake: (() => void) | null = null;
  #minuteAt: Ms = Number.NaN;
  #inMinute = 0;

  constructor(config: WebhookConfig, number: number, gateway: GatewayName, options: WebhookOptions) {
    this.#config = config;
    this.#receiver = receiverOf(config);
    this.#number = number;
    this.#name = `${number} (${this.#receiver.host})`;
    this.#gateway = gateway;
    this.#options = {
      fetch,
      gatherMs: GATHER_MS,
      messagesPerMinute: MESSAGES_PER_MINUTE,
      waitingMax: WAITING_MAX,
      log,
      ...DELIVERY_DEFAULTS,
      ...options,
    };
  }

  is(config: WebhookConfig, number: number): boolean {
    return number === this.#number && isDeepStrictEqual(config, this.#config);
  }

  tell(news: News): void {
    if (this.#hurry || this.#freshens(news) || !this.#wants(news)) return;
    if (this.#waiting.length >= this.#options.waitingMax) {
      this.#uncounted[news.kind]++;
      if (this.#dropped++ === 0)
        this.#options.log.warn(`webhook ${this.#name}: too many incidents wait; more are only counted`);
      return;
    }
    this.#waiting.push(news);
    this.#running ??= this.#run();
  }

  /** What still waits is told as it is now: a second later a verdict knows more. */
  #freshens({ kind, incident }: News): boolean {
    const at = this.#waiting.findIndex((each) => each.kind === kind && each.incident.id === incident.id);
    if (at < 0) return false;
    this.#waiting[at] = { kind, incident };
    return true;
  }

  #wants({ kind, incident }: News): boolean {
    const { on, severity } = this.#config;
    const isGraveEnough = SEVERITIES.indexOf(incident.severity) <= SEVERITIES.indexOf(severity);
    if (kind === "opened") {
      if (!isGraveEnough || this.#toldOpened.has(incident.id)) return false;
      if (this.#toldOpened.size >= REMEMBERED_MAX) this.#toldOpened.clear();
      this.#toldOpened.add(incident.id);
      return on.includes("opened");
    }
    // Who was told that it opened is told that it closed, whatever became of it.
    const wasTold = this.#toldOpened.delete(incident.id);
    return on.includes("closed") && (wasTold || isGraveEnough);
  }

  state(): WebhookState {
    return {
      name: this.#name,
      delivered: this.#delivered,
      failed: this.#failed,
      dropped: this.#dropped,
      waiting: this.#waiting.length,
      lastError: this.#lastError,
    };
  }

  async close(graceMs: Ms): Promise<void> {
    this.#hurry = true;
    const timer = setTimeout(() => this.#ended.abort(), graceMs);
    this.#wake?.();
    await this.#running;
    clearTimeout(timer);
    this.#ended.abort();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#wait(this.#options.gatherMs);
      await this.#wait(this.#untilAllowed());
      const news = this.#waiting;
      const { opened: moreOpened, closed: moreClosed } = this.#uncounted;
      this.#waiting = [];
      this.#uncounted = { opened: 0, closed: 0 };
      const isMany = news.length + moreOpened + moreClosed > Math.min(ONE_BY_ONE_MAX, this.#left());
      if (!isMany) for (const each of news) await this.#send(contentOf(each));
      else {
        const opened = news.filter(({ kind }) => kind === "opened").length + moreOpened;
        const closed = news.filter(({ kind }) => kind === "closed").length + moreClosed;
        await this.#send({ event: "incidents.summary", news, opened, closed });
      }
    }
    this.#running = null;
  }

  /** A defect of ours costs its message, not the hook. */
  async #send(content: Content): Promise<void> {
    try {
      await this.#trySend(content);
    } catch (error) {
      this.#failed++;
      this.#options.log.warn(
        `webhook ${this.#name}: ${content.event} could not be made: ${escapeControls(String(error))}`,
      );
    }
  }

  async #trySend(content: Content): Promise<void> {
    const { wallClock, log: tell } = this.#options;
    this.#inMinute++;
    const delivery = newDeliveryId();
    const { consoleUrl, format, secret } = this.#config;
    const body =
      format === "slack"
        ? slackBody(content, this.#gateway, consoleUrl)
        : jsonBody(content, this.#gateway, delivery, wallClock(), consoleUrl);
    const ending = { hurry: () => this.#hurry, signal: this.#ended.signal, wait: (ms: Ms) => this.#wait(ms) };
    const message = { event: content.event, delivery, body };
    const lost = await deliver(this.#receiver, secret, message, this.#options, ending, (why, waitMs) => {
      if (this.#lastError !== why)
        tell.warn(`webhook ${this.#name} ${why}; it is tried again in ${Math.ceil(waitMs / 1000)} s`);
      this.#lastError = why;
    });
    if (lost === null) {
      if (this.#lastError !== null) tell.info(`webhook ${this.#name} takes messages again`);
      this.#delivered++;
    } else {
      tell.warn(`webhook ${this.#name} ${lost}; ${content.event} is not told (delivery ${delivery})`);
      this.#failed++;
    }
    this.#lastError = lost;
  }

  /** Messages that may go out in this minute. */
  #left(): number {
    const at = this.#options.wallClock();
    if (!(at >= this.#minuteAt && at < this.#minuteAt + 60_000)) {
      this.#minuteAt = at;
      this.#inMinute = 0;
    }
    return this.#options.messagesPerMinute - this.#inMinute;
  }

  #untilAllowed(): Ms {
    return this.#left() > 0 ? 0 : this.#minuteAt + 60_000 - this.#options.wallClock();
  }

  /** At the end of the gateway nothing is waited for. */
  #wait(ms: Ms): Promise<void> {
    if (this.#hurry || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      timer.unref();
      this.#wake = done;
    });
  }
}

function contentOf({ kind, incident }: News): Content {
  return { event: kind === "opened" ? "incident.opened" : "incident.closed", incident };
}
