// Which connections are kept, over real sockets: pools that share a bound, and connections that are too old.
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventTime } from "../std/clock.ts";
import { ConnectionPool, type ConnectionUser, IdleShare, PooledConnection, type PoolLimits } from "./pool.ts";

let server: net.Server;
beforeAll(async () => {
  server = net.createServer((socket) => socket.on("error", () => socket.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => server.close());

const USER: ConnectionUser = {
  onBytes: () => {},
  onEnd: () => {},
  onClosed: () => {},
  onDrained: () => {},
  onDeadline: () => {},
  onWriteFailed: () => {},
  onInternalError: (error) => {
    throw error;
  },
};

const poolWith = (limits: Partial<PoolLimits>): ConnectionPool =>
  new ConnectionPool({ idleMax: 10, idleMs: () => 60_000, usesMax: 0, openMax: 0, ...limits });

const isClosed = ({ socket }: PooledConnection): boolean => socket.destroyed;

async function open(pool: ConnectionPool): Promise<PooledConnection> {
  const socket = net.connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  pool.dialStarted();
  const connection = new PooledConnection(pool);
  pool.adopt(connection, socket, "events", "127.0.0.1", USER);
  return connection;
}

test("over pools that share a bound the connection that was used longest ago goes", async () => {
  const share = new IdleShare(1);
  const [first, second] = [poolWith({ share }), poolWith({ share })];
  const [one, other] = [await open(first), await open(second)];
  first.release(one, eventTime());
  second.release(other, eventTime());
  expect([first.idle, second.idle]).toEqual([0, 1]);
  expect([isClosed(one), isClosed(other)]).toEqual([true, false]);
  second.close();
});

test("what is in use takes no place among the idle ones", async () => {
  const share = new IdleShare(1);
  const [first, second] = [poolWith({ share }), poolWith({ share })];
  const [one, other] = [await open(first), await open(second)];
  first.release(one, eventTime());
  expect(first.take(USER, Infinity, eventTime())).toBe(one);
  second.release(other, eventTime());
  expect([isClosed(one), isClosed(other)]).toEqual([false, false]);
  one.discard();
  second.close();
});

test("a connection that is older than it may be is not kept", async () => {
  const pool = poolWith({ ageMs: 1_000 });
  const [young, old] = [await open(pool), await open(pool)];
  old.connectedAt -= 2_000;
  pool.release(old, old.connectedAt + 2_000);
  pool.release(young, young.connectedAt + 500);
  expect([isClosed(old), isClosed(young), pool.idle]).toEqual([true, false, 1]);
  pool.close();
});
