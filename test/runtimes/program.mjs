// The main job in whatever runtime runs this: over each backend, or as READ says. Prints what it saw.
import * as vecstash from 'vecstash';
import { RedisBackend } from 'vecstash/redis';
import { SqliteBackend } from 'vecstash/sqlite';
import kit from './job.cjs';

const { REDIS_URL, NAMESPACE, FOLDER, READ } = process.env;
const overRedis = () => new RedisBackend(REDIS_URL);

async function work() {
  const { engine } = await kit.job(vecstash, () => new vecstash.MemoryBackend(), NAMESPACE);
  await kit.job(vecstash, overRedis, NAMESPACE);
  await kit.share(vecstash, overRedis, `shared-${NAMESPACE}`, false);
  let sqlite = 'served';
  try {
    await kit.job(vecstash, () => new SqliteBackend({ path: `${FOLDER}/${NAMESPACE}.db` }), NAMESPACE);
  } catch (error) {
    if (!/SqliteBackend needs Node 22.13 or newer/.test(error.message)) throw error;
    sqlite = 'not here';
  }
  return { engine, sqlite };
}

async function read(names) {
  for (const name of names) await kit.share(vecstash, overRedis, `shared-${name}`, true);
  return { read: names.length };
}

console.log(JSON.stringify(READ === undefined ? await work() : await read(READ.split(','))));
