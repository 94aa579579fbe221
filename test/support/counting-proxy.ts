import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Replies are held back until the client has been quiet for so long, in milliseconds. */
const QUIET = 25;

/** A TCP proxy that counts round trips. */
export interface CountingProxy {
  port: number;
  /** How often the client sent something after it was answered, that is, how many answers it waited for. */
  roundTrips: number;
  stop(): Promise<void>;
}

/**
 * A proxy before 127.0.0.1:`target`. It holds replies back until the client says nothing more: who sends everything at once needs one
 * round trip, however the bytes are cut, and who waits for each answer needs as many as there are answers.
 */
export async function startCountingProxy(target: number): Promise<CountingProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    let held: Buffer[] = [];
    let isAnswered = true;
    let timer: NodeJS.Timeout | undefined;
    const release = () => {
      timer = undefined;
      if (held.length === 0) return;
      for (const chunk of held) client.write(chunk);
      held = [];
      isAnswered = true;
    };
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(release, QUIET);
    };
    client.on('data', (chunk) => {
      if (isAnswered) proxy.roundTrips += 1;
      isAnswered = false;
      upstream.write(chunk);
      wait();
    });
    upstream.on('data', (chunk) => {
      held.push(chunk);
      if (timer === undefined) wait();
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: CountingProxy = {
    port: (server.address() as { port: number }).port,
    roundTrips: 0,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
