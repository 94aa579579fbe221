import { Buffer } from 'node:buffer';
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import type { Redis } from 'ioredis';
import { Backoff } from '../../../async/backoff.js';
import { BackendError } from '../../../errors.js';
import { newId } from '../../../events.js';
import { isError } from '../../../realms.js';
import { RecordSpans } from '../../../record-spans.js';
import { clearInterval, clearTimeout, performance, setImmediate, setInterval, setTimeout } from '../../../runtime.js';
import { OUT_OF_STEP, tellOutOfStep } from '../link.js';
import { type Reply, ReplyReader } from './resp.js';

/** Between attempts to connect. */
const RETRY = { baseMs: 50, maxMs: 1000 };

/** How long a connection is taken to be in step after it has shown it, in milliseconds. */
const IN_STEP = 50;

/** The weight of a slower answer in the round trip. A faster one counts at once. */
const SLOWER = 0.05;

/** How often it is looked whether an answer that is owed still comes, in milliseconds. */
const WATCH = 500;

interface Waiting {
  sentAt: number;
  settle(reply: Reply): void;
}

/**
 * A connection of its own for MGET, whose replies go from the socket into the blocks that records
 * lie in: ioredis's parser takes as long for a large reply as the server and the system together.
 * Where there is none at the moment, `isReady` is false, and ioredis reads.
 */
export class ReadConnection {
  readonly #client: Redis;
  readonly #address: TcpNetConnectOpts | { path: string };
  readonly #greeting: string[][];
  readonly #keyPrefix: string;
  readonly #silence: number;
  readonly #commandTimeout: number;
  #socket: Socket | undefined;
  #isReady = false;
  #isClosed = false;
  #waiting: Waiting[] = [];
  #heardAt = 0;
  /** When something was asked that nothing else was asked before; undefined once bytes came. */
  #askedAt: number | undefined;
  #roundTrip = Number.POSITIVE_INFINITY;
  readonly #id = newId();
  #checkedAt = 0;
  #pings = 0;
  readonly #listeners = new Set<() => void>();
  readonly #backoff = new Backoff(RETRY);
  #retry: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;

  /**
   * @param silence how long an answer may bring no byte at all, in milliseconds, as ioredis is told
   */
  constructor(client: Redis, silence: number) {
    const { host, port, path, family, username, password, db, keyPrefix, commandTimeout } = client.options;
    this.#address = path ? { path } : { host: host ?? 'localhost', port: port ?? 6379, ...(family && { family }) };
    this.#greeting = [
      ...(password ? [['AUTH', ...(username ? [username] : []), password]] : []),
      ...(db ? [['SELECT', String(db)]] : []),
    ];
    this.#keyPrefix = keyPrefix ?? '';
    this.#silence = silence;
    this.#commandTimeout = commandTimeout ?? Number.POSITIVE_INFINITY;
    this.#client = client;
    this.#connect();
  }

  /** Whether a client can be read beside: TLS, Sentinel and the like are ioredis's alone. */
  static suits({ options }: Redis): boolean {
    return !options.tls && !options.sentinels && !options.Connector;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /**
   * From a question to the first byte of its answer, where nothing else is on its way, in
   * milliseconds; infinite while it is not known.
   */
  get roundTrip(): number {
    return this.#roundTrip;
  }

  /**
   * The values of `keys`, by one command, which is written at once. An answer of another shape ends
   * the connection: whoever waits behind it would get what others asked for.
   */
  mget(keys: readonly string[]): Promise<RecordSpans> {
    const socket = this.#socket as Socket;
    return new Promise((resolve, reject) => {
      this.#send(socket, ['MGET', ...this.#prefixed(keys)], (reply) => {
        if (reply instanceof RecordSpans && reply.length === keys.length) resolve(reply);
        else if (isError(reply)) reject(reply);
        else reject(this.#outOfStep(socket));
      });
    });
  }

  /**
   * Asks for a word that has to come back in its place, where the last is not fresh: a reply that
   * was lost or doubled is noticed so.
   *
   * @param isNeeded whether it asks although the last is fresh
   */
  check(isNeeded = false): void {
    const socket = this.#socket;
    const now = performance.now();
    if (!socket || !this.#isReady || (!isNeeded && now - this.#checkedAt < IN_STEP)) return;
    this.#checkedAt = now;
    this.#ping(socket, () => {});
  }

  /** Calls `listener` whenever bytes come. Returns what ends that. */
  onBytes(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#socket?.destroy();
  }

  #prefixed(keys: readonly string[]): readonly string[] {
    return this.#keyPrefix === '' ? keys : keys.map((key) => this.#keyPrefix + key);
  }

  #ping(socket: Socket, then: () => void): void {
    this.#pings += 1;
    const word = `${this.#id}-${this.#pings}`;
    this.#send(socket, ['PING', word], (reply) => {
      if (reply === word || isRefusal(reply)) then();
      else if (isError(reply)) socket.destroy();
      else this.#outOfStep(socket);
    });
  }

  /**
   * Ends the connection: nobody knows which of its replies are whose. A new one is made at once.
   */
  #outOfStep(socket: Socket): BackendError {
    this.#isReady = false;
    if (!socket.destroyed) tellOutOfStep();
    socket.destroy();
    return new BackendError(OUT_OF_STEP);
  }

  #send(socket: Socket, words: readonly string[], settle: (reply: Reply) => void): void {
    const sentAt = performance.now();
    if (this.#waiting.length === 0) this.#askedAt = sentAt;
    this.#waiting.push({ sentAt, settle });
    this.#watch ??= setInterval(() => this.#giveUpWhereSilent(), WATCH).unref();
    const command = commandOf(words);
    socket.write(command.text, command.encoding);
  }

  /**
   * Once the client is connected: where a server has room for one connection only, that one both
   * reads and writes.
   */
  #connect(): void {
    if (this.#isClosed) return;
    if (this.#client.status !== 'ready') {
      this.#client.once('ready', () => this.#connect());
      return;
    }
    const reader = new ReplyReader((reply) => {
      // What comes after the connection was given up is nobody's.
      if (socket.destroyed) return;
      const waiting = this.#waiting.shift();
      if (waiting) waiting.settle(reply);
      else this.#outOfStep(socket);
    });
    const onread = {
      buffer: () => reader.room(),
      callback: (count: number) => {
        this.#heard();
        for (const listener of this.#listeners) listener();
        try {
          reader.wrote(count);
        } catch {
          this.#outOfStep(socket);
        }
        return true;
      },
    };
    // Types of Node know only a fixed buffer; that a function makes one for each read is
    // documented.
    const socket = connect({ ...this.#address, noDelay: true, onread: onread as never } as TcpNetConnectOpts);
    this.#socket = socket;
    // Why it failed is heard by 'close'.
    socket.on('error', () => {});
    socket.on('connect', () => this.#greet(socket));
    socket.on('close', () => this.#ended());
  }

  #heard(): void {
    this.#heardAt = performance.now();
    if (this.#askedAt === undefined) return;
    const took = this.#heardAt - this.#askedAt;
    this.#askedAt = undefined;
    if (took < this.#roundTrip) this.#roundTrip = took;
    else this.#roundTrip += SLOWER * (took - this.#roundTrip);
  }

  #greet(socket: Socket): void {
    for (const words of this.#greeting) {
      this.#send(socket, words, (reply) => {
        if (reply !== 'OK') socket.destroy();
      });
    }
    // A server that has no room for one more connection accepts it, says so and closes it: only an
    // answer shows that it serves.
    this.#ping(socket, () => {
      this.#isReady = true;
      this.#backoff.reset();
    });
  }

  #ended(): void {
    this.#isReady = false;
    this.#askedAt = undefined;
    this.#roundTrip = Number.POSITIVE_INFINITY;
    clearInterval(this.#watch);
    this.#watch = undefined;
    const lost = new BackendError('Redis: connection is closed');
    for (const { settle } of this.#waiting.splice(0)) settle(lost);
    if (this.#isClosed) return;
    this.#retry = setTimeout(() => this.#connect(), this.#backoff.next()).unref();
  }

  /** A server that is frozen, or gone without a word, ends no connection. */
  #giveUpWhereSilent(): void {
    if (!this.#isSilent()) return;
    // Timers run before sockets are read: after something held the event loop the answer may be
    // there.
    setImmediate(() => {
      if (this.#isSilent()) this.#socket?.destroy();
    });
  }

  #isSilent(): boolean {
    const oldest = this.#waiting[0];
    if (oldest === undefined) return false;
    const now = performance.now();
    return now - Math.max(oldest.sentAt, this.#heardAt) > this.#silence || now - oldest.sentAt > this.#commandTimeout;
  }
}

/** Whether a user of narrow rights may not PING: then nothing can be checked. */
function isRefusal(reply: Reply): boolean {
  return isError(reply) && /^NOPERM /.test(reply.message);
}

/** A command in RESP. */
function commandOf(words: readonly string[]): { text: string; encoding: 'latin1' | 'utf8' } {
  const of = (lengthOf: (word: string) => number) => {
    let text = `*${words.length}\r\n`;
    for (const word of words) text += `$${lengthOf(word)}\r\n${word}\r\n`;
    return text;
  };
  const text = of((word) => word.length);
  // ASCII has as many bytes as characters, and is written fastest.
  if (Buffer.byteLength(text) === text.length) return { text, encoding: 'latin1' };
  return { text: of(Buffer.byteLength), encoding: 'utf8' };
}
