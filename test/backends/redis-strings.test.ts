import { setFlagsFromString } from 'node:v8';
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RedisBackend } from '../../src/backends/redis/redis.js';

setFlagsFromString('--allow-natives-syntax');
const hasFastMethods = new Function('return %HasFastProperties(String.prototype)') as () => boolean;

const test = suite('the methods of strings');

test('are no slower for a class that extends String, as ioredis has one', async () => {
  class Text extends String {}
  assert.is(new Text('text').length, 4);
  assert.not.ok(hasFastMethods(), 'V8 has learnt to do without: so may this library');

  const client = new Redis({ lazyConnect: true });
  await new RedisBackend({ client }).close();
  assert.ok(hasFastMethods());
  client.disconnect();
});

test.run();
