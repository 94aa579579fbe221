import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { defineBackend } from '../../src/backends/shell/define-backend.js';
import { createCache } from '../../src/cache/cache.js';
import { CacheService } from '../../src/service/service.js';
import { prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

const test = suite('callbacks that return a promise where none is expected');

const DIMENSIONS = 16;

/** Runs calls, and checks that no rejection of a callback was left unhandled. */
async function handled(run: () => Promise<unknown>): Promise<void> {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  try {
    await run();
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('unhandledRejection', note);
  }
  assert.equal(unhandled, []);
}

let answered = 0;
/** For any callback: what it returns rejects, which TypeScript would not let pass. */
const rejects = (async () => {
  answered += 1;
  throw new Error('of a callback');
}) as () => never;

const embed = async (texts: string[]) => texts.map((text) => prf(text, DIMENSIONS));
const open = (options: object) =>
  createCache({ backend: new MemoryBackend() }).embeddings('n', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed,
    ...options,
  });
const values = () => createCache({ backend: new MemoryBackend() }).values<unknown>('n');

/** A store that fails each call, or none. */
const store = (fails: boolean) => {
  const call = async () => {
    if (fails) throw new Error('down');
    return undefined as never;
  };
  return { getMany: call, setMany: call, deleteMany: call, list: call };
};
const entries = [{ key: 'a', value: Uint8Array.of(1) }];

for (const [what, call, expected] of [
  [
    'identify',
    () => open({ identify: rejects }).embed(['a', 'b']),
    /identify\(inputs\[0\]\): expected a string or bytes/,
  ],
  [
    'countTokens',
    () => open({ rateLimit: { tokens: 9, countTokens: rejects } }).embed(['a']),
    /rateLimit\.countTokens/,
  ],
  ['ttl', () => values().getOrCompute('a', () => 1, { ttl: rejects }), /ttl: expected a positive time/],
  [
    'toJSON',
    () =>
      values().set(
        'a',
        new (class {
          toJSON = rejects;
        })(),
      ),
    /Promise|instance of a class/,
  ],
  [
    'reasonOf',
    () => defineBackend(store(true), { name: 'T', storeName: 'Test', reasonOf: rejects }).setMany(entries),
    /^Test: 1 of 1 writes failed: failed$/,
  ],
] as [string, () => Promise<unknown>, RegExp][]) {
  test(`${what} is refused, and its rejection is handled`, async () => {
    answered = 0;
    await handled(async () => assert.match((await rejection(call())).message, expected));
    assert.ok(answered > 0);
  });
}

test('isRetryable counts as no', async () => {
  let calls = 0;
  const failing = async () => {
    calls += 1;
    throw new Error('busy');
  };
  for (const isRetryable of [rejects, (async () => true) as never]) {
    calls = 0;
    const embeddings = open({ embed: failing, retry: { minDelay: 1, isRetryable } });
    await handled(() => rejection(embeddings.embed(['a'])));
    assert.is(calls, 1);
  }
});

test('listeners are told, and heard no further', async () => {
  const listeners = { onUsage: rejects, onLookup: rejects };
  for (const options of [{}, { gather: 5 }]) await handled(() => open(options).embed(['a'], listeners));
});

test('bytesOf and textKey cost nobody their call', async () => {
  const backend = defineBackend(store(false), { name: 'T', storeName: 'Test', bytesOf: rejects });
  await handled(() => backend.setMany(entries));
  const service = new CacheService(new MemoryBackend(), {
    text: { model: 'm', dimensions: DIMENSIONS, embed },
    migrate: { from: new MemoryBackend(), textKey: rejects },
  });
  await handled(async () => assert.is((await service.embedTexts(['a'])).length, 1));
  await service.close();
});

test.run();
