import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { engines } from '../support/engines.js';
import { DOCKER, findRedis } from '../support/find-redis.js';
import { skipped } from '../support/skip.js';
import { playInChild } from './child.js';
import { loadScenario, scenarioNames } from './scenarios.js';

/**
 * Every scenario in its quick form: VECSTASH_CHAOS=NAME plays one, VECSTASH_SEED replays. The long form, with the sizes and the
 * times that docs/reliability.md names, is `npm run chaos`.
 */
const test = suite('chaos, the quick form');
const only = process.env.VECSTASH_CHAOS;
const seed = Number(process.env.VECSTASH_SEED ?? Math.floor(Math.random() * 2 ** 31));
const found = await findRedis();
const hasOwnServers = found !== '' && found !== DOCKER;
if (hasOwnServers) console.log(`seed ${seed}`);
else skipped('chaos: it kills and freezes servers of its own, which needs redis-server or valkey-server on PATH');

for (const name of scenarioNames) {
  if (!hasOwnServers || (only !== undefined && only !== name)) continue;
  const { onBothEngines, variants } = await loadScenario(name);
  if (variants.every(({ isLongOnly }) => isLongOnly)) continue;
  const isOnBoth = onBothEngines === true && engines.length > 1;
  for (const engine of isOnBoth ? (['auto', 'off'] as const) : [undefined]) {
    test(`${name}${engine ? `, VECSTASH_NATIVE=${engine}` : ''} (VECSTASH_SEED=${seed})`, async () => {
      const results = await playInChild({ name, seed, isLong: false, ...(engine && { engine }) });
      const missed = results.flatMap(({ variant, missed: goals }) => goals.map((goal) => `${variant}: ${goal}`));
      assert.equal(missed, []);
      assert.ok(results.length > 0);
    });
  }
}

test.run();
