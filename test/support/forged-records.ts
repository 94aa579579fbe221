import { Records } from '../../src/records.js';

/** What looks like `Records` and was never checked. @param spans three numbers a record */
export function forgedRecords(memories: unknown, spans: number[]): Records {
  const over = { memories, spans: Uint32Array.from(spans), length: spans.length / 3 };
  return withOwn(Object.create(Records.prototype), over);
}

/** An object with properties of its own over the getters of its class. */
export function withOwn<T extends object>(object: T, properties: Record<string, unknown>): T {
  for (const [name, value] of Object.entries(properties))
    Object.defineProperty(object, name, { value, configurable: true });
  return object;
}
