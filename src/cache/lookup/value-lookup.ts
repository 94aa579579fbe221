import type { ValueCodec } from '../../values/codec.js';
import type { Namespace } from '../namespace.js';
import { Refusals } from '../stats.js';
import { type LookupPlanner, ofPlaces } from './plan.js';

/** A value, and the record that it was decoded from. */
export interface FoundValue<T> {
  value: T;
  record: Uint8Array;
}

/**
 * Looks values up: makes the keys, reads the records, decodes them. Never rejects for what the
 * store does.
 */
export class ValueLookup<T> {
  readonly #namespace: Namespace<string>;
  readonly #codec: ValueCodec<T>;

  constructor(namespace: Namespace<string>, codec: ValueCodec<T>) {
    this.#namespace = namespace;
    this.#codec = codec;
  }

  /** The values of what `planner` plans, one for each input. */
  async run(planner: LookupPlanner): Promise<(T | undefined)[]> {
    const { store, recorder } = this.#namespace;
    const answer = await store.reads.readPlanned(planner, recorder);
    const plan = planner.plan();
    const refused = new Refusals();
    // Each place is decoded for itself: a value that is handed out twice could be changed through
    // one of them.
    const records = answer.records.pick(plan.keyOfPlace).toArray();
    const values = this.#codec.decodeMany(ofPlaces(plan, plan.keys), records, refused.note);
    this.#namespace.recordLookup(plan.keys, answer, (k) => {
      const place = plan.firstPlaces[k] as number;
      return values[place] === undefined ? refused.outcomeOf(place) : 'hit';
    });
    return values;
  }

  /** The value of one key, and what the read left of its timeout, in milliseconds. */
  async one(key: string): Promise<{ value: T | undefined; left: number }> {
    const { store, recorder } = this.#namespace;
    const answer = await store.reads.read([key], recorder);
    const refused = new Refusals();
    const [value] = this.#codec.decodeMany([key], answer.records.toArray(), refused.note);
    this.#namespace.recordLookup([key], answer, () => (value === undefined ? refused.outcomeOf(0) : 'hit'));
    return { value, left: answer.left };
  }

  /** Reads a key again that was missed, under its lock: that is no lookup of anybody's. */
  async reread(key: string): Promise<FoundValue<T> | undefined> {
    const { store, recorder } = this.#namespace;
    const { records } = await store.reads.readAgain([key], recorder);
    const record = records.at(0);
    const [value] = record === undefined ? [] : this.#codec.decodeMany([key], [record]);
    return record === undefined || value === undefined ? undefined : { value, record };
  }
}
