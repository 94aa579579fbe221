import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { RespFrames } from './resp-frames.js';

/** Bytes of a command that are looked at for its name. */
const HEAD = 64;

/** Bytes that wait for the client before the server is not read any more. */
const MOST_QUEUED = 256 * 1024;

/** A whole reply on its way from the server to the client. */
export interface ProxiedReply {
  connection: ProxiedConnection;
  /** The place among the replies of its connection, from 0. */
  index: number;
  /** The name of the command that it answers, in capitals; '' where nothing was asked (messages of pub/sub). */
  command: string;
  bytes: Buffer;
}

/**
 * What becomes of a reply. 'drop': it never comes. 'double': it comes twice. 'swap': it comes after the next one. 'shift': the one
 * before it comes in its place, and so on: everything is off by one from then on. `insert`: bytes come before it. `replace`: bytes come instead. `cut`: so
 * many of its bytes come, then the connection is reset. `delay`: it comes so many milliseconds late, and what is behind it waits.
 */
export type ReplyFault =
  | 'drop'
  | 'double'
  | 'swap'
  | 'shift'
  | { insert: Buffer | string }
  | { replace: Buffer | string }
  | { cut: number }
  | { delay: number };

/** Decides for each whole reply, in order; undefined lets it pass. */
export type ReplyRule = (reply: ProxiedReply) => ReplyFault | undefined;

export interface ProxiedConnection {
  /** From 0, in the order of accepting. */
  readonly id: number;
  /** Names of the commands so far by count, in capitals. */
  readonly commands: Map<string, number>;
  /** Set: nothing passes in either direction, and nothing is closed. What was held back passes once it is false again. */
  isBlackHole: boolean;
  /** Bytes per second from the server to the client. Undefined: the proxy's. */
  rate: number | undefined;
  /** Resets both sides. */
  destroy(): void;
}

/** A TCP proxy on 127.0.0.1 in front of a Redis server, which knows where replies end. Everything may be changed at any time. */
export interface RespProxy {
  readonly port: number;
  readonly url: string;
  /** Live connections, the oldest first. */
  readonly connections: readonly ProxiedConnection[];
  /** How many were accepted so far. */
  readonly accepted: number;
  /** Undefined: replies pass as they come, also unfinished ones. */
  rule: ReplyRule | undefined;
  /** Bytes per second from the server to each client; undefined is unbounded. */
  rate: number | undefined;
  /** Milliseconds that everything from the server is late. */
  delay: number;
  /** Set: new and old connections are black holes. */
  isBlackHole: boolean;
  /** How often a command passed, over all connections, by its name in capitals; without a name all together. */
  count(command?: string): number;
  /** Resets all connections. */
  cut(): void;
  /** Refuses connections, and resets those there are, until `accept`. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  /** Where new connections lead: a port of 127.0.0.1. */
  target: number;
  stop(): Promise<void>;
}

/** A rule that applies `fault` once, to the first reply that `when` says. */
export function onceRule(fault: ReplyFault, when: (reply: ProxiedReply) => boolean = () => true): ReplyRule {
  let isDone = false;
  return (reply) => {
    if (isDone || !when(reply)) return undefined;
    isDone = true;
    return fault;
  };
}

/** Starts a proxy before 127.0.0.1:`target`. */
export async function startRespProxy(target: number, port = 0): Promise<RespProxy> {
  const proxy = new ProxyServer(target);
  await proxy.listen(port);
  return proxy;
}

class ProxyServer implements RespProxy {
  readonly #live = new Set<Link>();
  readonly #counts = new Map<string, number>();
  #server: Server | undefined;
  #isBlackHole = false;
  port = 0;
  accepted = 0;
  rule: ReplyRule | undefined;
  rate: number | undefined;
  delay = 0;
  target: number;

  constructor(target: number) {
    this.target = target;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get connections(): readonly Link[] {
    return [...this.#live];
  }

  get isBlackHole(): boolean {
    return this.#isBlackHole;
  }

  set isBlackHole(value: boolean) {
    this.#isBlackHole = value;
    for (const link of this.#live) link.isBlackHole = value;
  }

  count(command?: string): number {
    if (command !== undefined) return this.#counts.get(command) ?? 0;
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  cut(): void {
    for (const link of this.#live) link.destroy();
  }

  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.close();
    this.cut();
    await once(server, 'close');
  }

  accept(): Promise<void> {
    return this.#server ? Promise.resolve() : this.listen(this.port);
  }

  stop(): Promise<void> {
    return this.refuse();
  }

  async listen(port: number): Promise<void> {
    const server = createServer((client) => {
      const link = new Link(this, this.accepted++, client, (name) =>
        this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1),
      );
      link.isBlackHole = this.#isBlackHole;
      this.#live.add(link);
      client.on('close', () => this.#live.delete(link));
    });
    this.#server = server;
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as { port: number }).port;
  }
}

/** One connection through the proxy. */
class Link implements ProxiedConnection {
  readonly id: number;
  readonly commands = new Map<string, number>();
  rate: number | undefined;
  readonly #proxy: ProxyServer;
  readonly #client: Socket;
  readonly #upstream: Socket;
  /** Names of commands whose replies are to come. */
  readonly #asked: string[] = [];
  #isBlackHole = false;
  #heldCommands: Buffer[] = [];
  /** Pieces of the reply that is being collected; undefined where it passes piece by piece. */
  #pieces: Buffer[] | undefined;
  #isInside = false;
  #index = 0;
  #swapped: Buffer | undefined;
  #last: Buffer | undefined;
  #isShifting = false;
  /** What goes to the client, in order, each with the time before which it does not. */
  #queue: { bytes: Buffer; at: number; resets: boolean }[] = [];
  #due = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(proxy: ProxyServer, id: number, client: Socket, onCommand: (name: string) => void) {
    this.#proxy = proxy;
    this.id = id;
    this.#client = client;
    this.#upstream = connect({ port: proxy.target, host: '127.0.0.1', noDelay: true });
    client.setNoDelay();
    let head = Buffer.alloc(0);
    const commands = new RespFrames((piece, isEnd) => {
      if (head.length < HEAD) head = Buffer.concat([head, piece.subarray(0, HEAD - head.length)]);
      if (!isEnd) return;
      const name = nameOf(head);
      head = Buffer.alloc(0);
      this.#asked.push(name);
      this.commands.set(name, (this.commands.get(name) ?? 0) + 1);
      onCommand(name);
    });
    const replies = new RespFrames((piece, isEnd) => this.#piece(piece, isEnd));
    client.on('data', (chunk) => {
      commands.feed(chunk);
      if (this.#isBlackHole) this.#heldCommands.push(chunk);
      else this.#upstream.write(chunk);
    });
    this.#upstream.on('data', (chunk) => replies.feed(chunk));
    for (const socket of [client, this.#upstream]) {
      socket.on('error', () => {});
      socket.on('close', () => this.destroy());
    }
    // Who waits for the client to read lets the server wait as well.
    client.on('drain', () => this.#flush());
  }

  get isBlackHole(): boolean {
    return this.#isBlackHole;
  }

  set isBlackHole(value: boolean) {
    this.#isBlackHole = value;
    if (value) return;
    for (const chunk of this.#heldCommands.splice(0)) this.#upstream.write(chunk);
    this.#flush();
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
    this.#client.resetAndDestroy();
    this.#upstream.destroy();
  }

  /** A reply is collected where a rule is there when it begins. */
  #piece(piece: Buffer, isEnd: boolean): void {
    if (!this.#isInside) this.#pieces = this.#proxy.rule || this.#swapped || this.#isShifting ? [] : undefined;
    this.#isInside = !isEnd;
    if (this.#pieces === undefined) {
      this.#last = undefined;
      this.#send(piece);
      if (isEnd) this.#passed();
      return;
    }
    this.#pieces.push(piece);
    if (isEnd) this.#judge(Buffer.concat(this.#pieces));
  }

  #passed(): string {
    this.#index += 1;
    return this.#asked.shift() ?? '';
  }

  #judge(bytes: Buffer): void {
    const index = this.#index;
    const command = this.#passed();
    const fault = this.#proxy.rule?.({ connection: this, index, command, bytes });
    if (fault === 'drop') return;
    if (fault === 'swap' && this.#swapped === undefined) {
      this.#swapped = bytes;
      return;
    }
    if (fault === 'shift') this.#isShifting = true;
    if (typeof fault === 'object' && 'insert' in fault) this.#deliver(Buffer.from(fault.insert));
    if (typeof fault === 'object' && 'delay' in fault) this.#due = Math.max(this.#due, performance.now() + fault.delay);
    if (typeof fault === 'object' && 'cut' in fault) {
      this.#send(bytes.subarray(0, fault.cut), true);
      return;
    }
    this.#deliver(typeof fault === 'object' && 'replace' in fault ? Buffer.from(fault.replace) : bytes);
    if (fault === 'double') this.#deliver(bytes);
    const swapped = this.#swapped;
    this.#swapped = undefined;
    if (swapped) this.#deliver(swapped);
  }

  #deliver(bytes: Buffer): void {
    this.#send(this.#isShifting && this.#last ? this.#last : bytes);
    this.#last = bytes;
  }

  #send(bytes: Buffer, resets = false): void {
    this.#queue.push({ bytes, at: performance.now() + this.#proxy.delay, resets });
    this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#queue.length > 0 && !this.#isBlackHole && !this.#client.writableNeedDrain) {
      const now = performance.now();
      const [next] = this.#queue as [{ bytes: Buffer; at: number; resets: boolean }];
      const wait = Math.max(next.at, this.#due) - now;
      if (wait >= 1) {
        this.#timer = setTimeout(() => this.#flush(), wait);
        break;
      }
      this.#queue.shift();
      const rate = this.rate ?? this.#proxy.rate;
      if (rate !== undefined) this.#due = Math.max(this.#due, now) + (next.bytes.length / rate) * 1000;
      this.#client.write(next.bytes);
      if (next.resets) {
        this.#client.end(() => this.destroy());
        return;
      }
    }
    // A slow client, or a bounded rate, is not made up for with memory.
    if (this.#queue.reduce((sum, { bytes }) => sum + bytes.length, 0) > MOST_QUEUED) this.#upstream.pause();
    else if (!this.#upstream.destroyed) this.#upstream.resume();
  }
}

/** The name of a command by its first bytes, in capitals. */
function nameOf(head: Buffer): string {
  const text = head.toString('latin1');
  const name = text.startsWith('*') ? text.split('\r\n')[2] : text.split(/\s/)[0];
  return (name ?? '').toUpperCase();
}
