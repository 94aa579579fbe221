import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mixedLoad } from './load.js';

const test = suite('vecstash serve under a short load');

test('1500 mixed requests with a failing upstream: each vector is right, each distinct input asked once', async () => {
  const { wrong, hangs, failed, askedTwice, hits, distinct, upstream } = await mixedLoad({ requests: 1500, seed: 11 });
  assert.equal({ wrong, hangs, failed, askedTwice }, { wrong: 0, hangs: 0, failed: 0, askedTwice: 0 });
  assert.ok(hits > distinct && distinct > 1000);
  for (const fault of ['429', '500', 'cut', 'half', 'count']) assert.ok((upstream[fault] ?? 0) > 0, fault);
});

test.run();
