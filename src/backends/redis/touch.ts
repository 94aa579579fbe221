import type { BackendTouch } from '../backend.js';
import { TOUCH } from '../redis-scripts.js';
import { itemsOf, type RedisCommands } from './commands.js';

/** What servers answer that do not know GT: Redis before 7 says the first. */
const KNOWS_NO_GT = /^ERR (wrong number of arguments|syntax error|unsupported option)/i;

/**
 * Extends TTLs: by PEXPIRE GT, or by a script once a server has answered that it does not know GT.
 */
export class RedisTouches {
  readonly #commands: RedisCommands;
  #knowsGt = true;

  constructor(commands: RedisCommands) {
    this.#commands = commands;
  }

  /**
   * @param touches each key once, TTLs in whole milliseconds. Returns what went wrong with each
   *   part that was not touched.
   */
  async touch(touches: readonly BackendTouch[]): Promise<unknown[]> {
    if (this.#knowsGt) {
      const errors = (await this.#commands.extendTtls(touches)).flatMap(([error]) => error ?? []);
      if (!errors.some(({ message }) => KNOWS_NO_GT.test(message))) return errors;
      this.#knowsGt = false;
    }
    const keysByTtl = new Map<number, string[]>();
    for (const { key, ttlMs } of touches) {
      const keys = keysByTtl.get(ttlMs);
      if (keys) keys.push(key);
      else keysByTtl.set(ttlMs, [key]);
    }
    const calls = Array.from(keysByTtl, ([ttlMs, keys]) => this.#commands.script(TOUCH, itemsOf(keys), [ttlMs]));
    return (await Promise.allSettled(calls)).flatMap((call) => (call.status === 'rejected' ? [call.reason] : []));
  }
}
