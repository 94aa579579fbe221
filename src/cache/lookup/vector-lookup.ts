import type { ReadContext } from '../../backends/backend.js';
import type { LentMemory } from '../../codec/lent-memory.js';
import { tokensOf } from '../../codec/record-header.js';
import type { Outcome } from '../../events.js';
import { type RecordSpans, releaseRecords } from '../../record-spans.js';
import type { InputTokens } from '../fill/usage.js';
import type { Namespace } from '../namespace.js';
import type { NamespaceCodec } from '../namespace-codec.js';
import { Refusals } from '../stats.js';
import type { ReadAnswer } from '../store/reads.js';
import { EarlyDecoding } from './early-decode.js';
import { type LookupPlan, type LookupPlanner, ofPlaces } from './plan.js';

/**
 * What a lookup found: vectors by distinct key, the tokens that their records tell of, and what it
 * left of the read timeout, in milliseconds.
 */
export interface Found {
  plan: LookupPlan;
  vectors: (Float32Array | undefined)[];
  tokens: InputTokens;
  left: number;
}

/**
 * What others stored meanwhile: in each place a vector or nothing, and whether something may be
 * there that could not be read.
 */
export interface Reread {
  vectors: (Float32Array | undefined)[];
  tokens: InputTokens;
  hasFailed: boolean;
}

/**
 * Looks vectors up: makes the keys, reads the records, decodes them. Never rejects for what the
 * store does.
 */
export class VectorLookup<Input> {
  readonly #namespace: Namespace<Input>;
  readonly #codec: NamespaceCodec;

  constructor(namespace: Namespace<Input>, codec: NamespaceCodec) {
    this.#namespace = namespace;
    this.#codec = codec;
  }

  /**
   * Looks up what `planner` plans: what comes before the rest is decoded while that is under way.
   *
   * @param memory where the vectors are put, for a call that hands none of them out
   */
  async run(planner: LookupPlanner, wantsTokens = false, memory?: LentMemory): Promise<Found> {
    const { known } = this.#codec;
    const early = known && new EarlyDecoding(known, planner.keys, planner.inputs, memory);
    const answer = await this.#read(planner, early && ((first, part) => early.add(first, part)));
    early?.end();
    const plan = planner.plan();
    const vectors = await this.#decode(plan.keys, answer, early, memory);
    const tokens = wantsTokens ? tokensIn(answer.records, vectors) : [];
    releaseRecords(answer.records);
    return { plan, vectors, tokens, left: answer.left };
  }

  /** The same as one block of n x dimensions, a row for each input. */
  async matrix(planner: LookupPlanner): Promise<{ data: Float32Array; found: Uint8Array }> {
    const answer = await this.#read(planner);
    const plan = planner.plan();
    const refused = new Refusals(this.#codec.isLearning);
    const keys = ofPlaces(plan, plan.keys);
    const records = answer.records.pick(plan.keyOfPlace);
    const codec = this.#codec.forRecords(plan.keys, answer.records);
    const matrix = await codec.decodeMatrixLater(keys, records, refused.note);
    this.#record(plan.keys, answer, (k) => {
      const place = plan.firstPlaces[k] as number;
      return matrix.found[place] === 1 ? 'hit' : refused.outcomeOf(place);
    });
    releaseRecords(answer.records);
    return this.#codec.known ? matrix : { ...matrix, data: new Float32Array(0) };
  }

  /** Reads keys again that were missed, under their locks: that is no lookup of anybody's. */
  async reread(keys: readonly string[]): Promise<Reread> {
    const { store, recorder } = this.#namespace;
    const { records, hasFailed } = await store.reads.readAgain(keys, recorder);
    const vectors = await this.#codec.forRecords(keys, records).decodeManyLater(keys, records);
    return { vectors, tokens: tokensIn(records, vectors), hasFailed };
  }

  /**
   * Decodes what was read, but for what is decoded already, and records what became of each key.
   */
  async #decode(
    keys: readonly string[],
    answer: ReadAnswer,
    early: EarlyDecoding | undefined,
    memory: LentMemory | undefined,
  ): Promise<(Float32Array | undefined)[]> {
    const { records } = answer;
    const refused = new Refusals(this.#codec.isLearning);
    const decoded = early?.isEmpty === false ? early.vectors : undefined;
    const rest = decoded ? records.where((k) => decoded[k] === undefined) : records;
    const vectors = await this.#codec.forRecords(keys, rest).decodeManyLater(keys, rest, refused.note, memory);
    for (let k = 0; k < keys.length && decoded; k++) {
      // What came early and is not in the answer is not believed.
      if (records.has(k)) vectors[k] ??= decoded[k];
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

/** The tokens that sound records tell of. */
function tokensIn(records: RecordSpans, vectors: readonly (Float32Array | undefined)[]): InputTokens {
  return vectors.map((vector, k) => vector && records.read(k, tokensOf));
}
