import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { prf } from '../../../test/support/prf.js';
import { seeded } from '../../vectors.js';
import type { Model, Peer, PeerKind } from './peer.js';

const DIMENSIONS = 64;
const COUNT = 40;
const SEED = 20261130;
/** A call that takes longer counts as hung, in milliseconds. */
const HUNG = 5000;

/** What became of the vectors that a test asked for. */
export interface Verdict {
  asked: number;
  wrong: number;
  /** Those of calls that were rejected, and of calls that did not end. */
  rejected: number;
  hung: number;
}

/** A fault that must never become a wrong vector: vector = PRF(text), so that every answer can be checked. */
export interface WrongVectorTest {
  id: string;
  name: string;
  run(trial: Trial): Promise<void>;
}

export const WRONG_VECTOR_TESTS: WrongVectorTest[] = [
  {
    id: 'mixed',
    name: 'Hits, misses and duplicates in one call',
    async run(trial) {
      const peer = await trial.open();
      await trial.ask(peer, textsOf(0, COUNT / 2));
      const [first, ...rest] = textsOf(0, COUNT);
      const shuffled = rest.reverse().flatMap((text, i) => (i % 3 === 0 ? [text, text] : [text]));
      await trial.ask(peer, [...shuffled, first as string]);
    },
  },
  {
    id: 'flipped',
    name: 'A bit of each stored value flipped',
    async run(trial) {
      await trial.stored();
      const random = seeded(SEED);
      await trial.change((values) => {
        for (const value of values) {
          const place = Math.floor(value.length * (0.2 + 0.75 * random()));
          value[place] = (value[place] as number) ^ (1 << Math.floor(random() * 3));
        }
        return values;
      });
      await trial.askEach(await trial.open(), textsOf(0, COUNT));
    },
  },
  {
    id: 'swapped',
    name: 'Each value under another key',
    async run(trial) {
      await trial.stored();
      await trial.change((values) => [...values.slice(1), values[0] as Buffer]);
      await trial.askEach(await trial.open(), textsOf(0, COUNT));
    },
  },
  {
    id: 'cut',
    name: 'Each value cut to a half',
    async run(trial) {
      await trial.stored();
      await trial.change((values) => values.map((value) => value.subarray(0, value.length / 2)));
      await trial.askEach(await trial.open(), textsOf(0, COUNT));
    },
  },
  {
    id: 'mutated',
    name: 'Two callers at once, one of whom changes what it got',
    async run(trial) {
      const peer = await trial.open();
      const texts = textsOf(0, COUNT);
      const asked = [peer.embed(texts), peer.embed(texts)];
      const [mine, theirs] = await Promise.all(asked);
      for (const vector of (mine ?? []) as number[][]) for (let i = 0; i < vector.length; i += 1) vector[i] = 0;
      trial.check(texts, theirs ?? []);
      await trial.ask(peer, texts);
    },
  },
  {
    id: 'dimensions',
    name: 'The same model asked for fewer dimensions',
    async run(trial) {
      await trial.stored();
      await trial.ask(await trial.open(DIMENSIONS / 2), textsOf(0, COUNT), DIMENSIONS / 2);
    },
  },
  {
    id: 'short',
    name: 'The model once returned one vector too few',
    async run(trial) {
      const peer = await trial.open();
      trial.spoil = (vectors) => vectors.slice(1);
      const answer = await peer.embed(textsOf(0, COUNT)).catch(() => undefined);
      if (answer) trial.check(textsOf(0, COUNT), answer);
      trial.spoil = undefined;
      await trial.ask(peer, textsOf(0, COUNT));
    },
  },
  {
    id: 'nan',
    name: 'The model once returned NaN: what is served afterwards',
    async run(trial) {
      const peer = await trial.open();
      trial.spoil = (vectors) => vectors.map((vector) => vector.fill(Number.NaN, 0, 1));
      await peer.embed(textsOf(0, COUNT)).catch(() => {});
      trial.spoil = undefined;
      await trial.ask(peer, textsOf(0, COUNT));
    },
  },
];

/** Runs a test of a peer on an empty database, at `url`. */
export async function judge(test: WrongVectorTest, kind: PeerKind, url: string): Promise<Verdict> {
  const client = new Redis(url);
  await client.flushdb();
  const trial = new Trial(kind, url, client);
  try {
    await test.run(trial);
  } finally {
    await trial.close();
    await client.flushdb();
    client.disconnect();
  }
  return trial.verdict;
}

/** In words: 'right', or how many were not and how. */
export function wordsOf({ asked, wrong, rejected, hung }: Verdict): string {
  const parts = [
    ...(wrong > 0 ? [`**${shareOf(wrong, asked)} wrong**`] : []),
    ...(rejected > 0 ? [`${shareOf(rejected, asked)} rejected`] : []),
    ...(hung > 0 ? [`${shareOf(hung, asked)} not answered`] : []),
  ];
  return parts.join(', ') || 'right';
}

function shareOf(count: number, asked: number): string {
  return count === asked ? 'all' : `${count} of ${asked}`;
}

/** One test of one peer. */
class Trial {
  readonly verdict: Verdict = { asked: 0, wrong: 0, rejected: 0, hung: 0 };
  /** What the model's provider does to its answer. */
  spoil: ((vectors: Float32Array[]) => Float32Array[]) | undefined;
  readonly #kind: PeerKind;
  readonly #url: string;
  readonly #client: Redis;
  readonly #opened: Peer[] = [];

  constructor(kind: PeerKind, url: string, client: Redis) {
    this.#kind = kind;
    this.#url = url;
    this.#client = client;
  }

  async open(dimensions = DIMENSIONS): Promise<Peer> {
    const vectors = async (texts: string[]) => {
      const right = texts.map((text) => prf(text, dimensions));
      return this.spoil?.(right) ?? right;
    };
    const arrays = async (texts: string[]) => (await vectors(texts)).map((vector) => Array.from(vector));
    const model: Model = { vectors, arrays };
    const peer = await this.#kind.open({ url: this.#url, model, dimensions });
    this.#opened.push(peer);
    return peer;
  }

  /** Stores all texts through an instance that is closed then. */
  async stored(): Promise<void> {
    const peer = await this.open();
    await peer.embed(textsOf(0, COUNT));
    while ((await this.#client.dbsize()) < COUNT) await sleep(5);
    await peer.close();
    this.#opened.pop();
  }

  /** Changes the stored values, in the order of their keys. */
  async change(by: (values: Buffer[]) => Buffer[]): Promise<void> {
    const keys = (await this.#client.keysBuffer('*')).sort(Buffer.compare);
    const values = (await this.#client.mgetBuffer(keys)).map((value) => {
      if (value === null) throw new Error(`${this.#kind.name} stores something that is no string`);
      return value;
    });
    const lives = await Promise.all(keys.map((key) => this.#client.pttl(key)));
    for (const [i, value] of by(values).entries()) {
      await this.#client.set(keys[i] as Buffer, value);
      if ((lives[i] as number) > 0) await this.#client.pexpire(keys[i] as Buffer, lives[i] as number);
    }
  }

  async ask(peer: Peer, texts: string[], dimensions = DIMENSIONS): Promise<void> {
    const hung = sleep(HUNG, 'hung' as const, { ref: false });
    const answer = await Promise.race([peer.embed(texts).catch(() => 'rejected' as const), hung]);
    if (typeof answer !== 'string') return this.check(texts, answer, dimensions);
    this.verdict.asked += texts.length;
    this.verdict[answer] += texts.length;
  }

  /** One at a time: what is wrong with one entry does not hide what is wrong with another. */
  async askEach(peer: Peer, texts: string[]): Promise<void> {
    for (const text of texts) await this.ask(peer, [text]);
  }

  check(texts: string[], vectors: ArrayLike<number>[], dimensions = DIMENSIONS): void {
    for (const [i, text] of texts.entries()) {
      this.verdict.asked += 1;
      if (!isClose(vectors[i], prf(text, dimensions), this.#kind.maxError)) this.verdict.wrong += 1;
    }
  }

  async close(): Promise<void> {
    for (const peer of this.#opened) await peer.close();
  }
}

/** Whether a vector is what the model gave, bit for bit unless an error is allowed. */
export function isClose(vector: ArrayLike<number> | undefined, right: Float32Array, maxError = 0): boolean {
  if (vector?.length !== right.length) return false;
  return right.every((x, i) => {
    const found = vector[i] as number;
    return maxError === 0 ? Object.is(Math.fround(found), x) : Math.abs(found - x) <= maxError;
  });
}

function textsOf(first: number, end: number): string[] {
  return Array.from({ length: end - first }, (_, i) => `text ${first + i} of the tests for wrong vectors`);
}
