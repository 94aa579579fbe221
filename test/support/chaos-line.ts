import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A line to a server of this machine, whose speed and state a test sets. It knows bytes alone; see resp-proxy.ts for replies. */
export interface Line {
  url: string;
  /** Bytes a second from the server to each client. @default no bound */
  rate: number;
  /** Nothing passes either way, and nothing ends: a black hole. What was sent into it comes out when it is opened. */
  isHeld: boolean;
  /** Nothing of the clients' reaches the server, for ever. */
  isDeaf: boolean;
  /** How many connections there are. */
  readonly connections: number;
  /** Ends all connections at once, as a reset does. */
  cut(): void;
  stop(): Promise<void>;
}

/** Opens a line to 127.0.0.1:`target`. */
export async function openLine(target: number): Promise<Line> {
  const pairs = new Set<Pair>();
  const server = createServer((client) => {
    const pair = new Pair(client, connect(target, '127.0.0.1'), state, () => pairs.delete(pair));
    pairs.add(pair);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const state = { rate: Number.POSITIVE_INFINITY, isHeld: false, isDeaf: false };
  return {
    url: `redis://127.0.0.1:${(server.address() as { port: number }).port}`,
    get rate() {
      return state.rate;
    },
    set rate(rate) {
      state.rate = rate;
    },
    get isDeaf() {
      return state.isDeaf;
    },
    set isDeaf(isDeaf) {
      state.isDeaf = isDeaf;
    },
    get isHeld() {
      return state.isHeld;
    },
    set isHeld(isHeld) {
      state.isHeld = isHeld;
      if (!isHeld) for (const pair of pairs) pair.release();
    },
    get connections() {
      return pairs.size;
    },
    cut() {
      for (const pair of pairs) pair.destroy();
    },
    async stop() {
      for (const pair of pairs) pair.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

class Pair {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #state: { rate: number; isHeld: boolean; isDeaf: boolean };
  #held: (() => void)[] = [];
  /** When the last byte that was sent to the client has arrived. */
  #due = 0;

  constructor(
    client: Socket,
    server: Socket,
    state: { rate: number; isHeld: boolean; isDeaf: boolean },
    ended: () => void,
  ) {
    this.#client = client;
    this.#server = server;
    this.#state = state;
    client.on('data', (chunk) => this.#pass(() => void (state.isDeaf || server.write(chunk))));
    server.on('data', (chunk) => this.#pass(() => this.#slowly(chunk)));
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#held = [];
        this.destroy();
        ended();
      });
    }
  }

  release(): void {
    for (const pass of this.#held.splice(0)) pass();
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #pass(pass: () => void): void {
    if (this.#state.isHeld) this.#held.push(pass);
    else pass();
  }

  #slowly(chunk: Buffer): void {
    const { rate } = this.#state;
    if (rate === Number.POSITIVE_INFINITY) return void this.#client.write(chunk);
    const now = performance.now();
    this.#due = Math.max(this.#due, now) + (chunk.length / rate) * 1000;
    this.#server.pause();
    const arrive = () => {
      this.#client.write(chunk);
      this.#server.resume();
    };
    // Timers are whole milliseconds: what is due sooner is written now, and the next chunk waits for it.
    if (this.#due - now < 1) setImmediate(arrive);
    else setTimeout(arrive, this.#due - now);
  }
}
