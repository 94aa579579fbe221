import { inspect } from 'node:util';
import * as assert from 'uvu/assert';
import { BackendError } from '../../src/errors.js';

export const SECRET_KEY = 'the-key-nobody-may-see';
export const SECRET_VALUE = Buffer.from('the-value-nobody-may-see');

/** The error is a `BackendError` that shows neither secret, in whatever form, nor a server's address. */
export function assertTellsNothing(error: unknown): void {
  assert.instance(error, BackendError);
  const seen = `${inspect(error, { depth: 10, showHidden: true })}${JSON.stringify(error)}${String(error)}`;
  assert.not.match(seen, /nobody-may-see|127\.0\.0\.1/);
  for (const bytes of [
    SECRET_VALUE.toString('base64').slice(0, 16),
    SECRET_VALUE.toString('hex'),
    SECRET_VALUE.toJSON().data.slice(0, 8).join(','),
  ]) {
    assert.not.ok(seen.replaceAll(' ', '').includes(bytes));
  }
}
