// node --import tsx bench/suites/peers/link-process.ts PORT BYTES_PER_SECOND MILLISECONDS: a TCP
// proxy that shapes what passes, in a process of its own, so that its work is nobody's main thread.
// It prints its URL, and ends with its standard input. The proxy of the tests
// (test/support/resp-proxy.ts) knows where replies end, and is too slow for 5 Gbit/s.
import { connect, createServer, type Socket } from 'node:net';

/** Bytes that are read at a time. */
const CHUNK = 128 * 1024;
/** Waits shorter than this, in milliseconds, are exact and block; timers have whole milliseconds. */
const TIMER = 1.5;

const [target, rate, delay] = process.argv.slice(2).map(Number) as [number, number, number];
/**
 * What is written or on its way and not yet delivered, before the sender has to wait: a window that
 * never bounds the rate.
 */
const window = Math.max(4 * CHUNK, 2 * rate * (delay / 1000));
const cell = new Int32Array(new SharedArrayBuffer(4));

/** One direction of the link. All connections share its rate. */
class Direction {
  readonly #delay: number;
  /** When the last byte so far is through, without the delay. */
  #through = 0;

  constructor(delay: number) {
    this.#delay = delay;
  }

  /** Passes on what `from` sends: returns what to call with each chunk. */
  join(from: Socket, to: Socket): (chunk: Buffer) => void {
    const queue: { chunk: Buffer; at: number }[] = [];
    let queued = 0;
    let timer: NodeJS.Timeout | undefined;
    const flush = () => {
      timer = undefined;
      for (let next = queue[0]; next && !to.destroyed && !to.writableNeedDrain; next = queue[0]) {
        const wait = next.at - performance.now();
        if (wait >= TIMER) {
          timer = setTimeout(flush, Math.floor(wait));
          break;
        }
        if (wait > 0) Atomics.wait(cell, 0, 0, wait);
        queue.shift();
        queued -= next.chunk.length;
        to.write(next.chunk);
      }
      if (queued <= window) from.resume();
    };
    to.on('drain', flush);
    return (chunk) => {
      this.#through = Math.max(this.#through, performance.now()) + (chunk.length / rate) * 1000;
      queue.push({ chunk, at: this.#through + this.#delay });
      queued += chunk.length;
      if (queued > window) from.pause();
      if (timer === undefined) flush();
    };
  }
}

const up = new Direction(0);
const down = new Direction(delay);

const server = createServer({ noDelay: true }, (client) => {
  const onReply = (size: number, buffer: Uint8Array) => {
    pass(Buffer.from(buffer.buffer, buffer.byteOffset, size));
    return true;
  };
  const upstream = connect({
    port: target,
    host: '127.0.0.1',
    noDelay: true,
    onread: { buffer: () => Buffer.allocUnsafeSlow(CHUNK), callback: onReply },
  });
  const pass = down.join(upstream, client);
  client.on('data', up.join(client, upstream));
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.on('error', () => {});
    one.on('close', () => other.destroy());
  }
});
server.listen(0, '127.0.0.1', () => {
  console.log(`redis://127.0.0.1:${(server.address() as { port: number }).port}`);
});
process.stdin.on('end', () => process.exit()).resume();
