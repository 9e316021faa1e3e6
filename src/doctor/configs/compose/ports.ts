// Which port of a container is meant, where another one is asked. Ports of a compose file need not be all that it
// listens on: only two mistakes are plain. The port of the host is asked inside, or what is built here exposes one
// port and another is asked.
import type { Container, PortSaid } from "../platform.ts";

/** The port that is meant; null = the one that is asked may be right. */
export function meantInstead(app: Container, asked: number): PortSaid | null {
  const known = app.ports.filter(({ protocol }) => protocol === "tcp");
  if (known.some(({ number }) => number === asked || number === null)) return null;
  const outside = known.find(({ published }) => published === asked);
  if (outside) return outside;
  const [only] = known;
  return app.build !== null && known.length === 1 && only?.published === null ? only : null;
}
