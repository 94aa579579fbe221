// What an application does with a cache, in whatever runtime loads it: plain CommonJS without imports.
'use strict';

const DIMENSIONS = 48;

/** vector = PRF(text), so that a wrong one is seen. */
function prf(text) {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  state = state >>> 0 || 1;
  return Float32Array.from({ length: DIMENSIONS }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x80000000 - 1;
  });
}

function assert(isTrue, what) {
  if (!isTrue) throw new Error(`not so: ${what}`);
}

function assertVectors(vectors, texts, what) {
  assert(vectors.length === texts.length, `${what}: one vector for each text`);
  vectors.forEach((vector, i) => {
    const wanted = prf(texts[i]);
    assert(vector instanceof Float32Array, `${what}: a Float32Array of this realm`);
    const isRight = vector.length === DIMENSIONS && wanted.every((value, k) => Object.is(value, vector[k]));
    assert(isRight, `${what}: the vector of ${texts[i]}`);
  });
}

const texts = (count) => Array.from({ length: count }, (_, i) => `text ${i % (count - 20)}`);

const VALUE = { text: 'the same again '.repeat(100), numbers: [1, 2.5, -3], nothing: null };

/** Options that name the model, whose calls are put down in `asked`. */
function model(asked, more) {
  const embed = async (missing) => {
    asked.push(...missing);
    return missing.map(prf);
  };
  return { model: 'prf', dimensions: DIMENSIONS, embed, ...more };
}

/**
 * Embeds, embeds again, stores values, and checks all that comes.
 *
 * @param open makes the backend, which the cache closes
 */
async function job({ createCache }, open, namespace = 'job') {
  const cache = createCache({
    backend: open(),
    readTimeout: '30s',
    secret: new Uint8Array(32).fill(7),
    encrypt: true,
  });
  const asked = [];
  const docs = cache.embeddings(namespace, model(asked));
  const all = texts(320);
  assertVectors(await docs.embed(all), all, 'the first time');
  assert(asked.length === 300, 'each text was embedded once');
  assertVectors(await docs.embed(all), all, 'the second time');
  assert(asked.length === 300, 'nothing was embedded again');
  assertVectors(await docs.embed(all.slice(0, 3)), all.slice(0, 3), 'a few');
  await Promise.all(
    all.slice(0, 40).map(async (text) => assertVectors(await docs.embed([text]), [text], 'each alone')),
  );
  assert(asked.length === 300, 'still nothing');
  await docs.set('given', prf('given'));
  assertVectors([await docs.get('given')], ['given'], 'what was set');

  const images = cache.embeddings(`${namespace}-images`, {
    ...model([]),
    embed: async (missing) => missing.map((image) => prf(String(image[0]))),
  });
  for (let i = 0; i < 2; i++)
    assertVectors(await images.embed([new Uint8Array([1]), new Uint8Array([2])]), ['1', '2'], 'bytes');

  const values = cache.values(`${namespace}-values`);
  const value = {
    ...VALUE,
    bytes: new Uint8Array([1, 2]),
    buffer: Buffer.from([3]),
    floats: prf('value'),
    at: new Date(5),
    map: new Map([['a', 1]]),
    set: new Set([1]),
  };
  await values.set('key', value);
  const back = await values.get('key');
  assert(back.text === value.text && back.map.a === 1 && back.set.has(1), 'the value is right');
  assert(back.at.getTime() === 5 && back.bytes[1] === 2 && back.buffer[0] === 3, 'its parts are right');
  assert(back.floats instanceof Float32Array && back.floats[3] === value.floats[3], 'its vector is one');

  const { [namespace]: stats } = cache.stats();
  const { engine, ok } = await cache.health();
  assert(stats.errors === 0 && stats.corrupt === 0, 'no read failed');
  await cache.close();
  return { engine, ok, asked: asked.length };
}

/** What one process or runtime writes and another reads: `isFilled` says that nothing may be asked for. */
async function share({ createCache }, open, namespace, isFilled) {
  const cache = createCache({ backend: open(), readTimeout: '30s' });
  const asked = [];
  const docs = cache.embeddings(namespace, model(asked));
  const all = texts(60);
  assertVectors(await docs.embed(all), all, 'shared');
  assert(asked.length === (isFilled ? 0 : 40), 'what was there was a hit');
  const values = cache.values(namespace);
  if (!isFilled) await values.set('key', VALUE);
  assert(JSON.stringify(await values.get('key')) === JSON.stringify(VALUE), 'the value is right');
  const { engine } = await cache.health();
  await cache.close();
  return { engine };
}

module.exports = { job, share, prf, model, assert, assertVectors, texts };
