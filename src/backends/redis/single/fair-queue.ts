import type { RecordSpans } from '../../../record-spans.js';

/**
 * What may be on its way over a connection at a time, in bytes of answers as they are expected: for
 * a server that answers at once, for each millisecond of its round trip, and at most.
 *
 * A server executes all commands that it has before it sends much of the first answer: with fewer
 * to execute it sends while the first records are decoded here. Over a long way more must be under
 * way, or the server waits for the next command.
 */
const EXPECTED_BYTES = { near: 512 * 1024, perMs: 512 * 1024, most: 2 * 1024 * 1024 };

/** Requests that are sent however large the answers are: fewer would leave the server idle. */
const MIN_SENT = 4;

/** Bytes of a record, before any was seen. */
const FIRST_GUESS = 2048;

/** The weight of a new answer in what is expected of the next. */
const WEIGHT = 0.2;

interface Request {
  keys: number;
  onSent?: () => void;
  isWanted(): boolean;
  send(): Promise<RecordSpans>;
  settle: { resolve(records: RecordSpans | Promise<RecordSpans>): void; reject(error: unknown): void };
}

/**
 * Sends the requests of many calls over one connection: so many at a time that the connection is
 * busy, the others in turns, a request of each call. So a small read never waits for all of a large
 * one, and what nobody waits for any more is not sent.
 */
export class FairQueue {
  /** Requests that wait, by call, whose turn it is first. */
  readonly #waiting = new Map<object, Request[]>();
  #sent = 0;
  #expected = 0;
  #bytesPerKey = FIRST_GUESS;
  readonly #roundTrip: () => number;

  /** @param roundTrip in milliseconds; infinite while it is not known */
  constructor(roundTrip: () => number) {
    this.#roundTrip = roundTrip;
  }

  /**
   * @param call what the request is a part of
   * @param isWanted whether anybody waits for it still. What is not is rejected with `unwanted`
   */
  run(
    call: object,
    keys: number,
    send: () => Promise<RecordSpans>,
    isWanted: () => boolean,
    unwanted: () => Error,
  ): Promise<RecordSpans> {
    if (this.#hasRoom() && this.#waiting.size === 0) return this.#send({ keys, send });
    return new Promise((resolve, reject) => {
      const request = { keys, isWanted, send, settle: { resolve, reject: () => reject(unwanted()) } };
      const waiting = this.#waiting.get(call);
      if (waiting) waiting.push(request);
      else this.#waiting.set(call, [request]);
    });
  }

  /** Where requests of a call wait: runs `listener` when the last of them was sent, or will not be. */
  whenSent(call: object, listener: () => void): void {
    const last = this.#waiting.get(call)?.at(-1);
    if (last) last.onSent = listener;
  }

  /** Rejects what a call has waiting. */
  drop(call: object): void {
    const waiting = this.#waiting.get(call) ?? [];
    this.#waiting.delete(call);
    for (const { settle } of waiting) settle.reject(undefined);
    waiting.at(-1)?.onSent?.();
  }

  #hasRoom(): boolean {
    const { near, perMs, most } = EXPECTED_BYTES;
    return this.#sent < MIN_SENT || this.#expected < Math.min(most, near + perMs * this.#roundTrip());
  }

  #send({ keys, send }: Pick<Request, 'keys' | 'send'>): Promise<RecordSpans> {
    const expected = keys * this.#bytesPerKey;
    this.#sent += 1;
    this.#expected += expected;
    const over = (records?: RecordSpans) => {
      this.#sent -= 1;
      this.#expected -= expected;
      if (records) this.#learn(records);
      this.#next();
      return records as RecordSpans;
    };
    return send().then(over, (error) => {
      over();
      throw error;
    });
  }

  #learn(records: RecordSpans): void {
    let bytes = 0;
    for (let place = 0; place < records.length; place++) bytes += records.lengthOf(place);
    this.#bytesPerKey += WEIGHT * (bytes / Math.max(1, records.length) - this.#bytesPerKey);
  }

  #next(): void {
    while (this.#waiting.size > 0 && this.#hasRoom()) {
      const [[call, requests]] = this.#waiting as unknown as [[object, Request[]]];
      const request = requests.shift() as Request;
      this.#waiting.delete(call);
      if (requests.length > 0) this.#waiting.set(call, requests);
      if (request.isWanted()) request.settle.resolve(this.#send(request));
      else request.settle.reject(undefined);
      request.onSent?.();
    }
  }
}
