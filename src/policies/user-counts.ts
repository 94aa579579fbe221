import { type CountsRecord, TopCounts } from './top-counts.js';

/** Counts of several users, to be stored: who was counted last stands last. */
export type UserCountsRecord = [userId: string, counts: CountsRecord][];

/** Places for the items of each user. */
const PLACES = 64;

/** What each of a bounded number of users counts most: those who counted last. */
export class UserCounts {
  readonly #most: number;
  readonly #halfLife: number;
  /** In the order of their last count. */
  readonly #users = new Map<string, TopCounts>();

  /** @param halfLife in milliseconds */
  constructor(most: number, halfLife: number) {
    this.#most = most;
    this.#halfLife = halfLife;
  }

  get userIds(): string[] {
    return [...this.#users.keys()];
  }

  add(userId: string, item: string, now: number): void {
    this.#countsOf(userId, now).add(item, now);
  }

  /** The `most` items that a user counts most, first those. */
  top(userId: string, most: number, now: number): [item: string, count: number][] {
    return this.#users.get(userId)?.top(most, now) ?? [];
  }

  toRecord(now: number): UserCountsRecord {
    return Array.from(this.#users, ([userId, counts]) => [userId, counts.toRecord(now)]);
  }

  /** Adds what was counted elsewhere. */
  addRecord(record: UserCountsRecord, now: number): void {
    for (const [userId, counts] of record) this.#countsOf(userId, now).addRecord(counts, now);
  }

  #countsOf(userId: string, now: number): TopCounts {
    const counts = this.#users.get(userId) ?? new TopCounts(PLACES, this.#halfLife, now);
    this.#users.delete(userId);
    this.#users.set(userId, counts);
    if (this.#users.size > this.#most) this.#users.delete(this.#users.keys().next().value as string);
    return counts;
  }
}
