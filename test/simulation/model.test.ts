import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Model } from './model.js';

const test = suite('the model of the simulation');

const open = (storeWorks = true) => new Model({ storeWorks, readsWork: storeWorks });
const kinds = ({ violations }: Model) => violations.map((violation) => violation.split(':')[0]);

test('what began before a removal that was answered is stale for whoever asks afterwards', () => {
  const model = open();
  const before = model.now();
  const version = model.computing(1, 'p1');
  const removal = model.removing([1], 'p1');
  model.served(1, { key: 1, version }, model.now(), 'one');
  model.wasRemoved(removal);
  model.served(1, { key: 1, version }, before, 'one who asked before');
  assert.equal(kinds(model), []);
  model.served(1, { key: 1, version }, model.now(), 'one');
  assert.equal(kinds(model), ['stale']);
});

test('what began after a removal was called, and what is of another key, is fresh', () => {
  const model = open();
  const removal = model.removing([1], 'p1');
  const version = model.computing(1, 'p1');
  const other = model.computing(2, 'p1');
  model.wasRemoved(removal);
  model.served(1, { key: 1, version }, model.now(), 'one');
  model.served(2, { key: 2, version: other }, model.now(), 'one');
  assert.equal(kinds(model), []);
});

test('a set that was answered, or seen, comes before the next; one that was lost removes nothing', () => {
  const model = open();
  const first = model.setting(1, 'p1');
  model.wasSet(first, true);
  const second = model.setting(1, 'p2');
  model.served(1, { key: 1, version: first }, model.now(), 'one');
  assert.equal(kinds(model), []);
  model.served(1, { key: 1, version: second }, model.now(), 'one who saw it before it was answered');
  model.served(1, { key: 1, version: first }, model.now(), 'one');
  assert.equal(kinds(model), ['stale']);

  const lossy = open(false);
  const kept = lossy.setting(1, 'p1');
  lossy.wasSet(kept, true);
  lossy.wasSet(lossy.setting(1, 'p1'), false);
  lossy.served(1, { key: 1, version: kept }, lossy.now(), 'one');
  assert.equal(kinds(lossy), []);
});

test('a vector of another key, of no version, or changed is wrong', () => {
  const model = open();
  const version = model.computing(1, 'p1');
  model.served(2, { key: 1, version }, model.now(), 'one');
  model.served(1, { key: 1, version: version + 1 }, model.now(), 'one');
  model.served(1, undefined, model.now(), 'one');
  assert.equal(kinds(model), ['wrong', 'wrong', 'wrong']);
});

test('a key is paid for once, unless the first failed, was aborted, or the key was changed', () => {
  const model = open();
  model.computing(1, 'p1');
  model.computing(1, 'p2');
  assert.equal(kinds(model), ['paid twice']);

  const excused = open();
  excused.computed(excused.computing(1, 'p1'), false);
  const controller = new AbortController();
  excused.computing(1, 'p1', controller.signal);
  controller.abort();
  excused.computed(excused.computing(1, 'p1'), true);
  excused.wasRemoved(excused.removing([1], 'p1'));
  excused.computing(1, 'p1');
  assert.equal(kinds(excused), []);
});

test('what was computed for somebody or set is kept, unless it was removed', () => {
  const model = open();
  const version = model.computing(1, 'p1');
  model.computed(version, true);
  assert.equal(model.lost('p1', new Set()), [], 'nobody was told yet');
  model.served(1, { key: 1, version }, model.now(), 'one', true);
  model.setting(2, 'p1');
  assert.equal(model.lost('p1', new Set([2])), [1]);
  assert.equal(model.lost('p2', new Set()), []);
  model.removing([1, 2], 'p1');
  assert.equal(model.lost('p1', new Set()), []);
});

test.run();
