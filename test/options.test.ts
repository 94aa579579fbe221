import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { InvalidOptionError } from '../src/errors.js';
import { bytesSchema, checkOptions, ttlSchema } from '../src/options.js';

const schema = v.strictObject({
  ttl: v.optional(ttlSchema, '5m'),
  maxBytes: v.optional(bytesSchema),
  secret: v.optional(v.string()),
  url: v.optional(v.string()),
  embed: v.optional(v.function()),
  precision: v.optional(v.picklist(['exact', 'float16'])),
  model: v.optional(v.strictObject({ id: v.string() })),
});

test('returns what the schema makes of the options', () => {
  assert.equal(checkOptions(schema, { maxBytes: 5 }, 'options'), { ttl: 300_000, maxBytes: 5 });
  assert.equal(checkOptions(schema, { ttl: '1s', maxBytes: undefined }, 'options'), { ttl: 1000, maxBytes: undefined });
});

for (const [options, message] of [
  [null, 'option options: expected an object, got null'],
  ['x', 'option options: expected an object, got "x"'],
  [[], 'option options: expected an object, got an array'],
  [{ ttl: 'x' }, /^option ttl: expected a positive time .*, got "x"$/],
  [{ maxBytes: 0 }, 'option maxBytes: expected at least 1 byte, got 0'],
  [{ maxBytes: 1.5 }, 'option maxBytes: expected a whole number of bytes, got 1.5'],
  [{ maxBytes: '5' }, 'option maxBytes: expected a number of bytes, got "5"'],
  [{ secret: 5 }, 'option secret: expected string, got 5'],
  [{ url: ['x'] }, 'option url: expected string, got an array'],
  [{ embed: 'x' }, 'option embed: expected a function, got "x"'],
  [{ precision: 'int4' }, 'option precision: expected ("exact" | "float16"), got "int4"'],
  [{ model: {} }, 'option model.id: expected string, got undefined'],
  [{ model: 'x' }, 'option model: expected an object, got "x"'],
  [{ model: { id: 'x', name: 'y' } }, 'option model.name: expected one of id, got an unknown option name'],
  [
    { tll: 5 },
    'option tll: expected one of ttl, maxBytes, secret, url, embed, precision, model, got an unknown option name',
  ],
] as const) {
  test(`refuses ${JSON.stringify(options)}`, () => {
    assert.throws(
      () => checkOptions(schema, options, 'options'),
      (error: Error) =>
        error instanceof InvalidOptionError &&
        (typeof message === 'string' ? error.message === message : message.test(error.message)),
    );
  });
}

test('tells a secret by its type', () => {
  const strict = v.strictObject({ secret: v.pipe(v.string(), v.minLength(32)), apiKey: v.optional(v.number()) });
  for (const options of [{ secret: 'hunter2' }, { secret: 'x'.repeat(32), apiKey: 'hunter2' }]) {
    assert.throws(
      () => checkOptions(strict, options, 'options'),
      (error: Error) => !/hunter2/.test(error.message),
    );
  }
});

test.run();
