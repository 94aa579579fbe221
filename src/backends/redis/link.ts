import type { Redis } from 'ioredis';
import { BackendError } from '../../errors.js';
import { emit, newId } from '../../events.js';
import { clearInterval, performance, setImmediate, setInterval } from '../../runtime.js';

/** What whoever waits on a connection that is given up is told. */
export const OUT_OF_STEP = 'Redis: a connection answered out of step and is replaced';

/** How long a connection is taken to be in step after it has shown it, in milliseconds. */
const IN_STEP = 50;

/**
 * How long an answer may bring no byte at all before the connection is given up, in milliseconds.
 */
export const MAX_SILENCE = 2000;

/** How often it is looked whether bytes have come, in milliseconds. */
const WATCH = 40;

/** What may be under way on a connection: beyond it calls are refused. Values in bytes. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
const MAX_CALLS = 50_000;

/** Replies that nobody asked for and that one piece of a stream can hold. */
const MAX_UNASKED = 20_000;

/** Of a pipeline's commands ioredis sends none a second time whose place follows on none. */
const NEVER_RESENT = 1e9;

/** What a command of a pipeline was answered. */
export type Reply = [error: Error | null, result?: unknown];

type Pipeline = ReturnType<Redis['pipeline']>;

/** What this needs to know of a client of ioredis 5 or 6 and is not in its types. */
interface Inside {
  commandQueue: { shift(): unknown };
  stream?: { bytesRead?: number; writable: boolean; destroy(): void };
}

interface Call {
  sentAt: number;
  bytes: number;
  onProgress: (() => void) | undefined;
}

/** Tells that a connection was out of step, as a failure of no namespace. */
export function tellOutOfStep(): void {
  emit('failure', () => ({ namespace: undefined, operation: 'connection', error: OUT_OF_STEP }));
}

/**
 * Watches one connection of ioredis, our own or the user's, and has it made anew where its replies
 * are not those of its commands, where a reply comes that nobody asked for (ioredis throws what
 * nobody can catch then), and where an answer is owed too long.
 */
export class Link {
  static readonly #links = new WeakMap<Redis, Link>();
  readonly #client: Redis;
  readonly #id = newId();
  readonly #calls = new Set<Call>();
  #bytes = 0;
  #words = 0;
  #checkedAt = 0;
  #mayPing = true;
  #bytesRead = 0;
  #heardAt = 0;
  #watch: NodeJS.Timeout | undefined;

  private constructor(client: Redis) {
    this.#client = client;
    this.#guard();
    client.on('connect', () => {
      this.#heardAt = performance.now();
      this.#guard();
    });
  }

  /** The one that watches a client. */
  static of(client: Redis): Link {
    const known = Link.#links.get(client);
    if (known) return known;
    const link = new Link(client);
    Link.#links.set(client, link);
    return link;
  }

  /** Whether a command is written at once, instead of being queued until there is a connection. */
  get isReady(): boolean {
    return this.#client.status === 'ready' && this.#inside.stream?.writable === true;
  }

  /** For how long answers have been owed without a byte, in milliseconds. */
  get silentFor(): number {
    const [oldest] = this.#calls;
    return oldest === undefined ? 0 : performance.now() - Math.max(oldest.sentAt, this.#heardAt);
  }

  /** Runs a call on the connection. Rejects at once where too much is under way already. */
  async run<T>(call: () => Promise<T>, bytes = 0, onProgress?: () => void): Promise<T> {
    if (this.#calls.size >= MAX_CALLS || (this.#bytes > 0 && this.#bytes + bytes > MAX_PENDING_BYTES)) {
      throw new BackendError('Redis: too much is under way');
    }
    const own: Call = { sentAt: performance.now(), bytes, onProgress };
    this.#calls.add(own);
    this.#bytes += bytes;
    this.#watch ??= setInterval(() => this.#look(), WATCH).unref();
    try {
      return await call();
    } finally {
      this.#calls.delete(own);
      this.#bytes -= bytes;
    }
  }

  /**
   * Asks for a word that has to come back in its place, where the last is not fresh.
   *
   * @param isNeeded whether it asks although the last is fresh
   */
  check(isNeeded = false): void {
    if (isNeeded ? !this.#mayPing : !this.#isDue()) return;
    const word = this.#word();
    const ping = this.#client.ping(word);
    ping.then(
      (answer) => this.#isIn(word, answer),
      (error) => this.#refused(error),
    );
  }

  /**
   * Runs a pipeline whose commands are sent once: ioredis would resend them after a reconnect, when
   * what they write may have been removed. Rejects where the replies are not its own.
   */
  async execute(pipeline: Pipeline, isWrite: boolean, bytes = 0, onProgress?: () => void): Promise<Reply[]> {
    const word = this.#mayPing && (isWrite || this.#isDue()) ? this.#word() : undefined;
    if (word !== undefined) pipeline.ping(word);
    for (const command of (pipeline as unknown as { _queue?: { pipelineIndex?: number }[] })._queue ?? []) {
      command.pipelineIndex = NEVER_RESENT;
    }
    const replies = await this.run(async () => ((await pipeline.exec()) ?? []) as Reply[], bytes, onProgress);
    if (word === undefined) return replies;
    const [error, answer] = replies.pop() ?? [null];
    if (error) {
      this.#refused(error);
      // The connection was lost before the word came back: what came before it may have been
      // somebody else's.
      if (isWrite && error.name !== 'ReplyError' && replies.some(([failure]) => !failure)) throw error;
    } else if (!this.#isIn(word, answer)) throw new BackendError(OUT_OF_STEP);
    return replies;
  }

  /** Has the connection made anew. */
  replace(): void {
    tellOutOfStep();
    // What ioredis is going to resend is owed by the next connection, which has its own time.
    this.#heardAt = performance.now();
    const { stream } = this.#inside;
    this.#client.disconnect(true);
    // Where nobody answers any more, the other side does not close it either.
    stream?.destroy();
  }

  get #inside(): Inside {
    return this.#client as unknown as Inside;
  }

  #isDue(): boolean {
    return this.#mayPing && performance.now() - this.#checkedAt >= IN_STEP;
  }

  #word(): string {
    this.#checkedAt = performance.now();
    this.#words += 1;
    return `${this.#id}-${this.#words}`;
  }

  #isIn(word: string, answer: unknown): boolean {
    if (String(answer) === word) return true;
    this.replace();
    return false;
  }

  #refused(error: Error): void {
    if (/^NOPERM /.test(error.message)) this.#mayPing = false;
  }

  /**
   * Whoever asks for a reply's command where none waits gets one that has the connection made anew.
   */
  #guard(): void {
    const queue = this.#inside.commandQueue;
    if (queue === undefined || Object.hasOwn(queue, 'shift')) return;
    const shift = queue.shift.bind(queue);
    let unasked = 0;
    const settle = () => {
      if (unasked++ === 0) this.replace();
    };
    const nobodys = { command: { name: '', args: [], resolve: settle, reject: settle } };
    Object.defineProperty(queue, 'shift', {
      value: () => {
        const next = shift();
        // A queue that is emptied ends with nothing as well: that is where the connection is over.
        if (next !== undefined || this.#client.status !== 'ready' || unasked > MAX_UNASKED) return next;
        return nobodys;
      },
    });
  }

  #look(): void {
    if (this.#calls.size === 0) {
      clearInterval(this.#watch);
      this.#watch = undefined;
      return;
    }
    const bytesRead = this.#inside.stream?.bytesRead ?? 0;
    if (bytesRead !== this.#bytesRead) {
      this.#bytesRead = bytesRead;
      this.#heardAt = performance.now();
      for (const { onProgress } of this.#calls) onProgress?.();
    }
    // Timers run before sockets are read: after something held the event loop the answer may be
    // there.
    if (this.#isSilent()) setImmediate(() => this.#isSilent() && this.replace());
  }

  #isSilent(): boolean {
    if (['close', 'end', 'reconnecting'].includes(this.#client.status)) return false;
    return (this.#inside.stream?.bytesRead ?? 0) === this.#bytesRead && this.silentFor > MAX_SILENCE;
  }
}
