import { Writable } from 'node:stream';
import pino from 'pino';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { BackendError, InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { emit } from '../../src/events.js';
import { type EventLogger, logEvents, ObservableCache, withLogContext } from '../../src/observability/index.js';
import { CacheService } from '../../src/service/service.js';
import { scripted } from '../support/backends.js';
import { prf } from '../support/prf.js';

const test = suite('logEvents');
const DIMENSIONS = 8;
const LEVELS = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' } as Record<number, string>;

type Line = Record<string, unknown> & { msg: string };

/** The lines that pino writes while `work` runs, without times. */
async function logged(work: () => unknown, level = 'debug', options?: { keyHashes: number }): Promise<Line[]> {
  let written = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written += chunk;
      done();
    },
  });
  const stop = logEvents(pino({ level, base: null, timestamp: false }, stream), options);
  try {
    await work();
  } finally {
    stop();
  }
  emit('breaker', () => ({ id: 0, what: 'after stop', state: 'open' }));
  return written
    .split('\n')
    .filter(Boolean)
    .map((text) => {
      const { durationMs, ...line } = JSON.parse(text);
      return { ...line, level: LEVELS[line.level] };
    });
}

function docsOf(backend = scripted()) {
  return createCache({ backend }).embeddings('docs', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed: async (texts: string[]) => texts.map((text) => prf(text, DIMENSIONS)),
  });
}

const hashOf = (key: string) => key.slice(-6);

test('one line for each lookup, and no text in any of them', async () => {
  const docs = docsOf();
  const texts = Array.from({ length: 8 }, (_, i) => `a private text ${i}`);
  const hash = (i: number) => hashOf(docs.keyOf(texts[i] as string));
  const lines = await logged(async () => {
    await docs.embed([texts[0] as string]);
    await docs.embed([texts[0] as string]);
    await docs.embed(texts);
    await docs.embed(texts);
  });
  assert.equal(lines, [
    { level: 'debug', namespace: 'docs', hits: 0, misses: 1, keyHash: hash(0), msg: 'Cache miss' },
    { level: 'debug', namespace: 'docs', hits: 1, misses: 0, keyHash: hash(0), msg: 'Cache hit' },
    { level: 'debug', namespace: 'docs', hits: 1, misses: 7, keyHashes: [1, 2, 3, 4, 5].map(hash), msg: 'Cache miss' },
    { level: 'debug', namespace: 'docs', hits: 8, misses: 0, keyHashes: [0, 1, 2, 3, 4].map(hash), msg: 'Cache hit' },
  ]);
  assert.not.match(JSON.stringify(lines), 'private');
  assert.match(hash(0), /^[\w-]{6}$/);
  const [few] = await logged(() => docs.embed(texts), 'debug', { keyHashes: 2 });
  assert.equal(few?.keyHashes, [hash(0), hash(1)]);
  assert.equal(await logged(() => docs.embed(texts), 'info'), []);
});

test('what fails is an error: the backend, a record, the model, a breaker', async () => {
  let isDown = false;
  const backend = scripted({
    getMany: async (keys) => {
      if (isDown) throw new BackendError('down');
      return keys.map(() => new Uint8Array(30));
    },
  });
  const docs = createCache({ backend }).embeddings('docs', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed: async (texts: string[]) => Promise.reject(new Error(`no ${texts[0]}`)),
  });
  const lines = await logged(async () => {
    await docs.embed(['a private text']).catch(() => {});
    isDown = true;
    for (let round = 0; round < 3; round += 1) await docs.getMany(['another private text']);
    emit('breaker', () => ({ id: 0, what: 'reads', state: 'closed' }));
    emit('breaker', () => ({ id: 0, what: 'reads', state: 'ended' }));
  }, 'info');
  const keyHash = hashOf(docs.keyOf('a private text'));
  const failure = { level: 'error', namespace: 'docs', operation: 'read', error: 'down', msg: 'Cache failure' };
  assert.equal(lines.slice(0, 4), [
    { level: 'error', namespace: 'docs', corrupt: 1, keyHash, msg: 'Cache record refused' },
    { level: 'error', namespace: 'docs', model: 'm', inputs: 1, msg: 'Model failed' },
    failure,
    failure,
  ]);
  assert.equal(
    lines
      .slice(4)
      .map(({ level, msg }) => [level, msg])
      .sort(),
    [
      ['error', 'Cache breaker open'],
      ['error', 'Cache failure'],
      ['warn', 'Cache breaker closed'],
      ['warn', 'Cache breaker ended'],
    ],
  );
  assert.not.match(JSON.stringify(lines), 'private');
});

test('a context says whose lines they are, and nobody else gets it', async () => {
  const docs = docsOf();
  const query = `${'🐈'.repeat(49)}ab`;
  const lines = await logged(() =>
    Promise.all([
      withLogContext({ userId: 'user_1', query }, () => docs.embed(['a'])),
      withLogContext({ userId: 'user_2' }, () => withLogContext({ query: 'cats' }, () => docs.embed(['b']))),
      docs.embed(['c']),
    ]),
  );
  const contextOf = (text: string) => {
    const line = lines.find(({ keyHash }) => keyHash === hashOf(docs.keyOf(text)));
    return [line?.userId, line?.querySnippet];
  };
  assert.is(lines.length, 3);
  assert.equal(contextOf('a'), ['user_1', `${'🐈'.repeat(49)}a`]);
  assert.equal(contextOf('b'), ['user_2', 'cats']);
  assert.equal(contextOf('c'), [undefined, undefined]);
  assert.is(
    withLogContext({}, () => 7),
    7,
  );
});

test('an ObservableCache names the user, and the query only where it is asked to', async () => {
  const seen = async (options?: { snippets: boolean }) => {
    const service = new ObservableCache(new CacheService(new MemoryBackend()), options);
    const lines = await logged(async () => {
      await service.getSearchResults('user_1', 'funny cats');
      await service.getRecentAssets('user_2');
      await service.getTextEmbedding('a text');
    });
    await service.close();
    return lines.map(({ namespace, userId, querySnippet }) => [namespace, userId, querySnippet]);
  };
  assert.equal(await seen(), [
    ['search-results', 'user_1', undefined],
    ['assets', 'user_2', undefined],
    ['text-embeddings', undefined, undefined],
  ]);
  assert.equal((await seen({ snippets: true }))[0], ['search-results', 'user_1', 'funny cats']);
});

test('a logger that throws does not reach the cache', async () => {
  const fail = () => {
    throw new Error('the disk is full');
  };
  const stop = logEvents({ debug: fail, warn: fail, error: fail });
  const uncaught: unknown[] = [];
  const hear = (error: unknown) => void uncaught.push(error);
  process.on('uncaughtException', hear);
  try {
    assert.is((await docsOf().embed(['a'])).length, 1);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(uncaught, []);
  } finally {
    process.off('uncaughtException', hear);
    stop();
  }
});

test('what is no logger is refused', () => {
  const logger = { debug() {}, warn() {}, error() {} };
  const refused = (error: unknown) => error instanceof InvalidInputError && error.field === 'logger.debug';
  assert.throws(() => logEvents({ ...logger, debug: undefined } as unknown as EventLogger), refused);
  assert.throws(() => logEvents(undefined as unknown as EventLogger), refused);
  const isOption = (error: unknown) => error instanceof InvalidOptionError && error.option === 'keyHashes';
  assert.throws(() => logEvents(logger, { keyHashes: -1 }), isOption);
});

test.run();
