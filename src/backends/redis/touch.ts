import { TOUCH } from '../redis-scripts.js';
import { itemsOf, type RedisStore, type Reply } from './store.js';

/** What servers answer that do not know GT: Redis before 7 says the first. */
const KNOWS_NO_GT = /^ERR (wrong number of arguments|syntax error|unsupported option)/i;

/** Lets keys live longer: by PEXPIRE GT, or by a script once a server has answered that it does not know GT. */
export class RedisTouches {
  readonly #store: RedisStore;
  #knowsGt = true;

  constructor(store: RedisStore) {
    this.#store = store;
  }

  /** @param lives in whole milliseconds, by key. Returns what went wrong with each part that was not touched. */
  async touch(lives: ReadonlyMap<string, number>): Promise<unknown[]> {
    if (this.#knowsGt) {
      const errors = (await this.#store.prolong(lives)).flatMap(([error]: Reply) => error ?? []);
      if (!errors.some(({ message }) => KNOWS_NO_GT.test(message))) return errors;
      this.#knowsGt = false;
    }
    const keysByLife = new Map<number, string[]>();
    for (const [key, life] of lives) {
      const keys = keysByLife.get(life);
      if (keys) keys.push(key);
      else keysByLife.set(life, [key]);
    }
    const calls = Array.from(keysByLife, ([life, keys]) => this.#store.script(TOUCH, itemsOf(keys), [life]));
    return (await Promise.allSettled(calls)).flatMap((call) => (call.status === 'rejected' ? [call.reason] : []));
  }
}
