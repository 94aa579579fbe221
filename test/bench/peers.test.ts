import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { handWritten } from '../../bench/suites/peers/by-hand.js';
import { langchain } from '../../bench/suites/peers/langchain.js';
import { LINKS, openLink } from '../../bench/suites/peers/links.js';
import { openPeer } from '../../bench/suites/peers/opened.js';
import type { PeerKind } from '../../bench/suites/peers/peer.js';
import { vecstash } from '../../bench/suites/peers/vecstash.js';
import { DIMENSIONS, partlyNewTexts } from '../../bench/suites/peers/workload.js';
import { isClose, judge, WRONG_VECTOR_TESTS, wordsOf } from '../../bench/suites/peers/wrong-vectors.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { skipped } from '../support/skip.js';

/** What is there without an installation of other caches. */
const notInstalled = { load: async () => undefined, missing: [] };
const [lz4] = (await handWritten(notInstalled)) as [PeerKind];
const server: RedisServer = await startRedis();
test.after(() => server.stop());

/** What each test says of a peer, by its id. */
async function verdictsOf(kind: PeerKind): Promise<Record<string, string>> {
  const verdicts: Record<string, string> = {};
  for (const one of WRONG_VECTOR_TESTS) verdicts[one.id] = wordsOf(await judge(one, kind, server.url));
  return verdicts;
}

// Databases are emptied here.
if (server.isPrivate) {
  test('vecstash passes every test for wrong vectors', async () => {
    const verdicts = Object.entries(await verdictsOf(vecstash));
    assert.ok(verdicts.length >= 8);
    assert.equal(
      verdicts.filter(([, verdict]) => verdict !== 'right'),
      [],
    );
  });

  test('the tests for wrong vectors see what a cache without checks returns', async () => {
    const { mixed, mutated, ...faults } = await verdictsOf(lz4);
    assert.equal([mixed, mutated], ['right', 'right']);
    for (const [id, verdict] of Object.entries(faults)) assert.match(verdict, /wrong|rejected/, id);
    assert.is(faults.swapped, '**all wrong**');
  });

  for (const [i, kind] of [vecstash, lz4, langchain].entries()) {
    test(`${kind.name}: stored, partly new and over a link, each vector is the right one`, async () => {
      const link = await openLink(LINKS[0] as (typeof LINKS)[0], server.url);
      try {
        // Throws where it returns another vector, or asks the model for what is stored.
        const { model, warmDatabase, close } = await openPeer(kind, server.url, i);
        const linked = await kind.open({ url: `${link.url}/${warmDatabase}`, model, dimensions: DIMENSIONS });
        const texts = partlyNewTexts(0);
        const asked = model.asked;
        const found = await linked.embed(texts);
        await Promise.all([linked.close(), close()]);
        assert.is(model.asked - asked, 100);
        assert.ok(texts.every((text, place) => isClose(found[place], model.vectorOf(text))));
      } finally {
        await link.stop();
      }
    });
  }
} else skipped('the comparison needs a Redis of its own');

test.run();
