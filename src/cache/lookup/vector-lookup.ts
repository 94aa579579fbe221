import type { ReadContext } from '../../backends/backend.js';
import type { VectorCodec } from '../../codec/vectors.js';
import type { Outcome } from '../../events.js';
import type { Namespace } from '../namespace.js';
import { Refusals } from '../stats.js';
import type { ReadAnswer } from '../store/reads.js';
import { EarlyDecoding } from './early-decode.js';
import { type LookupPlan, type LookupPlanner, ofPlaces } from './plan.js';

/**
 * What a lookup found: vectors by distinct key, and what it left of the read timeout, in
 * milliseconds.
 */
export interface Found {
  plan: LookupPlan;
  vectors: (Float32Array | undefined)[];
  left: number;
}

/**
 * What others stored meanwhile: in each place a vector or nothing, and whether something may be
 * there that could not be read.
 */
export interface Reread {
  vectors: (Float32Array | undefined)[];
  hasFailed: boolean;
}

/**
 * Looks vectors up: makes the keys, reads the records, decodes them. Never rejects for what the
 * store does.
 */
export class VectorLookup<Input> {
  readonly #namespace: Namespace<Input>;
  readonly #codec: VectorCodec;

  constructor(namespace: Namespace<Input>, codec: VectorCodec) {
    this.#namespace = namespace;
    this.#codec = codec;
  }

  /**
   * Looks up what `planner` plans: what comes before the rest is decoded while that is under way.
   */
  async run(planner: LookupPlanner): Promise<Found> {
    const early = new EarlyDecoding(this.#codec, planner.keys, planner.inputs);
    const answer = await this.#read(planner, (first, part) => early.add(first, part));
    early.end();
    const plan = planner.plan();
    const vectors = await this.#decode(plan.keys, answer, early);
    return { plan, vectors, left: answer.left };
  }

  /** The same as one block of n x dimensions, a row for each input. */
  async matrix(planner: LookupPlanner): Promise<{ data: Float32Array; found: Uint8Array }> {
    const answer = await this.#read(planner);
    const plan = planner.plan();
    const refused = new Refusals();
    const keys = ofPlaces(plan, plan.keys);
    const records = answer.records.pick(plan.keyOfPlace);
    const matrix = await this.#codec.decodeMatrixLater(keys, records, refused.note);
    this.#record(plan.keys, answer, (k) => {
      const place = plan.firstPlaces[k] as number;
      return matrix.found[place] === 1 ? 'hit' : refused.outcomeOf(place);
    });
    return matrix;
  }

  /** Reads keys again that were missed, under their locks: that is no lookup of anybody's. */
  async reread(keys: readonly string[]): Promise<Reread> {
    const { store, recorder } = this.#namespace;
    const { records, hasFailed } = await store.reads.readAgain(keys, recorder);
    return { vectors: await this.#codec.decodeManyLater(keys, records), hasFailed };
  }

  /**
   * Decodes what was read, but for what is decoded already, and records what became of each key.
   */
  async #decode(
    keys: readonly string[],
    answer: ReadAnswer,
    early: EarlyDecoding,
  ): Promise<(Float32Array | undefined)[]> {
    const { records } = answer;
    const refused = new Refusals();
    const rest = early.isEmpty ? records : records.where((k) => early.vectors[k] === undefined);
    const vectors = await this.#codec.decodeManyLater(keys, rest, refused.note);
    for (let k = 0; k < keys.length && !early.isEmpty; k++) {
      // What came early and is not in the answer is not believed.
      if (records.has(k)) vectors[k] ??= early.vectors[k];
    }
    this.#record(keys, answer, (k) => (vectors[k] === undefined ? refused.outcomeOf(k) : 'hit'));
    return vectors;
  }

  #read(planner: LookupPlanner, onPart?: ReadContext['onPart']): Promise<ReadAnswer> {
    const { store, recorder } = this.#namespace;
    return store.reads.readPlanned(planner, recorder, onPart);
  }

  #record(keys: readonly string[], answer: ReadAnswer, outcome: (index: number) => Outcome): void {
    this.#namespace.recordLookup(keys, answer, outcome);
  }
}
