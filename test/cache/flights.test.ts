import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { type FlightControl, Flights } from '../../src/cache/fill/flights.js';
import { sleep } from '../../src/runtime.js';
import { DIMENSIONS, open } from '../support/embeddings.js';
import { used } from '../support/heap.js';
import { deferred, gatedModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { rejection } from '../support/rejection.js';

const test = suite('flights');
const MIB = 2 ** 20;

/** Flights of the key `a`, which end when they are told to. */
function flightsOfOneKey() {
  const flights = new Flights<Float32Array>();
  const launch = () => {
    const end = deferred();
    let control: FlightControl<Float32Array> | undefined;
    flights.launch(['a'], (given) => {
      control = given;
      return end.promise;
    });
    return { ...end, control: control as FlightControl<Float32Array> };
  };
  return { flights, launch };
}

test('ten thousand flights of one key at once take no more memory each than a few do', async () => {
  const { launch } = flightsOfOneKey();
  const before = used();
  const launched = Array.from({ length: 10_000 }, launch);
  const bytes = used() - before;
  assert.ok(bytes < 150 * MIB, `${bytes} bytes`);
  const last = launched.at(-1);
  last?.control.supersede(['a']);
  assert.equal(
    launched.map(({ control }) => control.isSuperseded('a')),
    launched.map((each) => each !== last),
  );
  for (const { resolve } of launched) resolve();
});

test('flights that ended are not kept by those that began while they were under way', async () => {
  const { launch } = flightsOfOneKey();
  const before = used();
  let newest = launch();
  for (let i = 0; i < 500; i++) {
    const older = newest;
    newest = launch();
    older.control.settle(new Float32Array(MIB / 4));
    older.resolve();
    await new Promise(setImmediate);
  }
  const bytes = used() - before;
  assert.ok(bytes < 20 * MIB, `${bytes} bytes`);
  newest.resolve();
});

test('what is newer supersedes what is older, in whatever order they answer', async () => {
  const { launch } = flightsOfOneKey();
  const [first, second, third] = [launch(), launch(), launch()];
  const superseded = () => [first, second, third].map(({ control }) => control.isSuperseded('a'));
  second.control.supersede(['a']);
  assert.equal(superseded(), [true, false, false]);
  first.control.supersede(['a']);
  assert.equal(superseded(), [true, false, false]);
  third.control.supersede(['a', 'b']);
  assert.equal(superseded(), [true, true, false]);
  assert.not(third.control.isSuperseded('b'));
  for (const { resolve } of [first, second, third]) resolve();
  await new Promise(setImmediate);
  assert.not(launch().control.isSuperseded('a'));
});

test('a refresh is newer than what another one, which failed, was newer than', async () => {
  const model = gatedModel(DIMENSIONS, 3);
  const { calls, gates } = model;
  const { embeddings } = open(model);
  const ask = async () => {
    const before = calls.length;
    const answer = embeddings.embed(['a'], { refresh: true });
    while (calls.length === before) await new Promise(setImmediate);
    return answer;
  };
  const [first, second] = [ask(), rejection(ask())];
  while (calls.length < 2) await new Promise(setImmediate);
  gates[1]?.reject(new Error('down'));
  await second;
  const third = ask();
  while (calls.length < 3) await new Promise(setImmediate);
  gates[2]?.resolve();
  await third;
  gates[0]?.resolve();
  await first;
  assert.is(bytesOf(await embeddings.get('a')), bytesOf(model.of(2, 'a')));
});

test('refreshes that wait for another one take no more memory the longer they wait', async () => {
  const gate = deferred();
  const embed = async (texts: string[]) => {
    await gate.promise;
    return texts.map((text) => prf(text, DIMENSIONS));
  };
  const cache = createCache({ backend: new MemoryBackend() });
  const embeddings = cache.embeddings('docs', { model: 'm', dimensions: DIMENSIONS, concurrency: 1000, embed });
  const controller = new AbortController();
  const calls = Array.from({ length: 500 }, () =>
    embeddings.embed(['a'], { refresh: true, signal: controller.signal }),
  );
  await sleep(500);
  const before = used();
  await sleep(1500);
  const bytes = used() - before;
  controller.abort(new Error('enough'));
  gate.resolve();
  await Promise.allSettled(calls);
  assert.ok(bytes < 2 * MIB, `${bytes} bytes`);
});

test.run();
