import { RecordSpans } from '../../src/record-spans.js';

/** What looks like `RecordSpans` and was never checked. @param spans three numbers a record */
export function forgedRecords(buffers: unknown, spans: number[]): RecordSpans {
  const over = { buffers, spans: Uint32Array.from(spans), length: spans.length / 3 };
  return withOwn(Object.create(RecordSpans.prototype), over);
}

/** An object with properties of its own over the getters of its class. */
export function withOwn<T extends object>(object: T, properties: Record<string, unknown>): T {
  for (const [name, value] of Object.entries(properties))
    Object.defineProperty(object, name, { value, configurable: true });
  return object;
}
