// What a container's environment and command may hold that is nobody's business: values are kept of variables that say
// where something listens, of a command only its program. All of it goes into --json, and from there to colleagues.
import type { Container } from "./platform.ts";

const LISTENS = /(?:^|_)(?:HOST|HOSTNAME|PORT|ADDR|ADDRESS|BIND|LISTEN)$/;

/** The container without what may be secret. */
export function withoutSecrets(container: Container): Container {
  const environment = Object.fromEntries(
    Object.entries(container.environment)
      .filter(([name]) => LISTENS.test(name))
      .map(([name, { text, at }]) => [
        name,
        { text: text !== null && /^[\w.:[\]*-]{0,64}$/.test(text) ? text : null, at },
      ]),
  );
  const { command } = container;
  return { ...container, environment, command: command && { words: command.words.slice(0, 1), at: command.at } };
}
