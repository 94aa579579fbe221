import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Model } from 'vecstash';

/** The length of its vectors. */
export const ENGLISH_DIMENSIONS = 512;

/** How much of a text the model reads, in characters: what comes after is left out. */
const READ_CHARACTERS = 1000;

export const ENGLISH_NAME = 'Universal Sentence Encoder Lite, run here by @energetic-ai';

/** What a change of would change the vectors. */
export const ENGLISH_IDENTITY: Model = {
  provider: 'energetic-ai',
  id: 'model-embeddings-en',
  revision: `0.2.0, first ${READ_CHARACTERS} characters`,
};

interface Reply {
  id: number;
  vectors?: Float32Array;
  tokens?: number;
  error?: string;
}

interface Call {
  resolve(answer: { vectors: Float32Array[]; tokens: number }): void;
  reject(error: Error): void;
}

/**
 * An English sentence encoder that runs offline: 512 dimensions, loaded when it is first asked.
 * Texts that mean alike get vectors with a cosine near 1.
 */
export class EnglishModel {
  readonly #calls = new Map<number, Call>();
  #worker: Worker | undefined;
  #lastId = 0;

  /** A vector for each text, in order, and the tokens that they took together. Rejects where the model fails. */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<{ vectors: Float32Array[]; tokens: number }> {
    signal?.throwIfAborted();
    const id = ++this.#lastId;
    const worker = this.#start();
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      // A process waits for a call that is under way, and not for an idle model.
      worker.ref();
      worker.postMessage({ id, texts: texts.map((text) => text.slice(0, READ_CHARACTERS)) });
    });
  }

  /** Calls under way are rejected. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = once(worker, 'exit');
    await Promise.all([worker.terminate(), ended]);
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL('english-worker.mjs', import.meta.url), { execArgv: [] });
    this.#worker = worker;
    worker.on('message', (reply: Reply) => this.#answer(reply));
    const fail = (error: Error) => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const { reject } of this.#calls.values()) reject(error);
      this.#calls.clear();
    };
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('the model was closed')));
    return worker;
  }

  #answer({ id, vectors, tokens = 0, error }: Reply): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (this.#calls.size === 0) this.#worker?.unref();
    if (vectors === undefined) {
      call?.reject(new Error(error ?? 'the model gave no vectors'));
      return;
    }
    const rows = Array.from({ length: vectors.length / ENGLISH_DIMENSIONS }, (_, i) =>
      vectors.slice(i * ENGLISH_DIMENSIONS, (i + 1) * ENGLISH_DIMENSIONS),
    );
    call?.resolve({ vectors: rows, tokens });
  }
}
