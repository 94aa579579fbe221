import { inspect } from 'node:util';
import { build } from 'esbuild';
import pino from 'pino';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createCache } from '../src/cache/cache.js';
import * as errors from '../src/errors.js';
import { scripted } from './support/backends.js';

const { EmbedError, InvalidInputError, redactedCause, VecstashError } = errors;

const test = suite('errors');
const TEXT = 'a private text of a user';

/** What a provider's client throws, with the text wherever clients put it. */
class RateLimitError extends Error {
  readonly status = 429;
  readonly code = 'rate_limit_exceeded';
  readonly request = { body: { input: [TEXT] } };
  constructor() {
    super(`too many requests for ${TEXT}\n    at ${TEXT}`, {
      cause: Object.assign(new Error(TEXT), { code: 'ECONNRESET', text: TEXT }),
    });
    this.name = 'RateLimitError';
  }
  [inspect.custom]() {
    return TEXT;
  }
  toJSON() {
    return { text: TEXT };
  }
}

/** Everything that commonly shows an error. */
function shown(error: unknown): string {
  const lines: string[] = [];
  const logger = pino(
    { level: 'trace', serializers: { cause: pino.stdSerializers.errWithCause } },
    { write: (line) => lines.push(line) },
  );
  logger.error(error);
  logger.error({ err: error, cause: error, error });
  const all = Object.getOwnPropertyNames(error).map((name) => String((error as Record<string, unknown>)[name]));
  return [
    ...lines,
    ...all,
    JSON.stringify(error),
    JSON.stringify({ error, cause: (error as Error).cause }),
    String(error),
    inspect(error, { depth: 20, showHidden: true }),
    inspect(error, { depth: 20, getters: true }),
    inspect(structuredClone(error), { depth: 20, showHidden: true }),
    (error as Error).stack,
  ].join('\n');
}

const THROWN: Record<string, { make: () => unknown; told: string }> = {
  'a client’s error': {
    make: () => new RateLimitError(),
    told: 'RateLimitError, code rate_limit_exceeded, HTTP status 429',
  },
  'a text': { make: () => TEXT, told: 'a string was thrown' },
  nothing: { make: () => undefined, told: '' },
  null: { make: () => null, told: 'a null was thrown' },
  'an object': { make: () => ({ message: TEXT, code: TEXT, name: TEXT, status: 1e9 }), told: 'Error' },
  'an error with a name that is a text': {
    make: () => Object.assign(new Error('x'), { name: TEXT, code: `${TEXT}!` }),
    told: 'Error',
  },
  'a response': {
    make: () => ({ name: 'HTTPError', response: { status: 503, body: TEXT } }),
    told: 'HTTPError, HTTP status 503',
  },
  'a stack without the message': {
    make: () => Object.assign(new Error('x'), { message: 'y', stack: TEXT }),
    told: 'Error',
  },
  'getters that throw': {
    make: () =>
      new Proxy(new Error(TEXT), {
        get() {
          throw new Error(TEXT);
        },
      }),
    told: 'Error',
  },
  'an error that is its own cause': {
    make: () => {
      const error: Error = new TypeError(TEXT);
      error.cause = error;
      return error;
    },
    told: 'TypeError',
  },
};

for (const [name, { make, told }] of Object.entries(THROWN)) {
  test(`of ${name} an EmbedError shows what is safe, and has the rest for who asks`, async () => {
    const thrown = make();
    const warnings: unknown[] = [];
    const cache = createCache({ backend: scripted(), logger: { warn: (...line) => warnings.push(line) } });
    const embeddings = cache.embeddings('docs', {
      model: 'm',
      dimensions: 3,
      embed: async () => {
        throw thrown;
      },
    });
    const error = await embeddings.embed([TEXT]).then(
      () => assert.unreachable(),
      (thrown: unknown) => thrown as errors.EmbedError,
    );
    assert.instance(error, EmbedError);
    assert.not.match(shown(error), TEXT);
    assert.not.match(inspect(warnings, { depth: 20 }), TEXT);
    assert.is(error?.original, thrown);
    assert.is(Object.keys(error as object).includes('original'), false);
    if (told !== '') assert.is(((error as errors.EmbedError).cause as Error).message, told);
  });
}

test('where it was thrown is told, and the causes of causes', () => {
  const { cause, stack } = redactedCause(new RateLimitError());
  assert.match(stack as string, 'errors.test.ts');
  assert.is((cause as Error).message, 'Error, code ECONNRESET');
  let chain = new Error('end');
  for (let i = 0; i < 100; i++) chain = new Error(TEXT, { cause: chain });
  assert.not.match(inspect(redactedCause(chain), { depth: 200 }), TEXT);
});

test('errors of vecstash are causes as they are, and what is redacted is redacted once', () => {
  const own = new InvalidInputError('x', 'a', 'b');
  assert.is(new EmbedError('m', [], { cause: own }).cause, own);
  const thrown = new Error(TEXT);
  const first = new EmbedError('m', [], { cause: thrown });
  for (const second of [new EmbedError('m', [], { cause: first.cause }), new EmbedError('m', [], { cause: first })]) {
    assert.is(second.original, thrown);
    assert.not.match(shown(second), TEXT);
  }
  assert.is(new EmbedError('m', []).cause, undefined);
  assert.is(new EmbedError('m', []).original, undefined);
});

test('names and instanceof hold in a bundle that renames classes, and for classes of an application', async () => {
  const entryPoints = [new URL('../src/errors.ts', import.meta.url).pathname];
  const { outputFiles } = await build({ entryPoints, bundle: true, minify: true, write: false, format: 'esm' });
  const text = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64');
  const bundled: typeof errors = await import(`data:text/javascript;base64,${text}`);
  for (const [name, type] of Object.entries(errors)) {
    if (typeof type !== 'function' || !/^class /.test(String(type))) continue;
    const other = bundled[name as keyof typeof errors] as typeof VecstashError;
    const made = new (other as new (...args: unknown[]) => Error)('x', 'y', 1);
    assert.is(made.name, name);
    assert.ok(made instanceof (type as typeof VecstashError) && made instanceof VecstashError, name);
    assert.is(made instanceof InvalidInputError, name === 'InvalidInputError');
  }
  class Own extends EmbedError {}
  const own = new Own('x', []);
  assert.equal([own instanceof Own, own instanceof EmbedError, own.name], [true, true, 'Own']);
  assert.not(new EmbedError('x', []) instanceof Own);
});

test.run();
