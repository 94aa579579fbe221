import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { installConsumer } from '../support/consumer.js';
import { freePort } from '../support/redis-server.js';
import { startUpstash } from '../support/upstash-server.js';

const EMBED = "{ model: 'm', dimensions: 2, embed: async (texts) => texts.map((text) => [1, text.length]) }";

const cacheOver = (backend: string) => `
  import { createCache } from 'vecstash';
  import { createVectorCodec } from 'vecstash/codec';
  ${backend}
  export const dynamic = 'force-dynamic';
  let cache;
  export async function GET() {
    cache ??= createCache({ backend: open(), readTimeout: '30s' });
    const docs = cache.embeddings(process.env.TEST_NAMESPACE, ${EMBED});
    const vectors = [await docs.embed(['abc']), await docs.embed(['abc'])].map(([vector]) => [...vector]);
    const { hits, fills } = cache.stats()[process.env.TEST_NAMESPACE];
    return Response.json({ vectors, hits, fills, engine: createVectorCodec({ dimensions: 2 }).engine });
  }`;

const FILES = {
  'app/layout.js': 'export default ({ children }) => <html><body>{children}</body></html>;',
  'app/redis/route.js': cacheOver(`
    import { RedisBackend } from 'vecstash/redis';
    const open = () => new RedisBackend(process.env.REDIS_URL, { keyPrefix: 'next-redis:' });`),
  'app/upstash/route.js': cacheOver(`
    import { UpstashBackend } from 'vecstash/upstash';
    const open = () => new UpstashBackend({ url: process.env.TEST_UPSTASH_URL, token: process.env.TEST_UPSTASH_TOKEN });`),
  'app/service/route.js': `
    import { getCacheService } from 'vecstash/service';
    export const dynamic = 'force-dynamic';
    export async function GET() {
      const [vector] = await getCacheService({ text: ${EMBED} }).embedTexts(['abc']);
      return Response.json({ vector: [...vector] });
    }`,
  'app/metrics/route.js': `
    import { createMetrics } from 'vecstash/metrics';
    export const dynamic = 'force-dynamic';
    const metrics = createMetrics();
    export const GET = () => metrics.response();`,
};

/** Registers the checks of one version of Next, with the bundler that it takes by itself. */
export async function checkNext(version: 'next-15' | 'next-16'): Promise<void> {
  const test = suite(version);
  const upstash = await startUpstash();
  const consumer = await installConsumer(version, 'react', 'react-dom', 'ioredis', 'prom-client', '@upstash/redis');
  const next = join(consumer.folder, 'node_modules/next/dist/bin/next');
  consumer.write(FILES);
  test.after(async () => {
    consumer.remove();
    await upstash.stop();
  });

  const build = async (config: object) => {
    consumer.write({ 'next.config.js': `module.exports = ${JSON.stringify(config)};` });
    return consumer.run(process.execPath, [next, 'build'], { NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' });
  };
  let servers = 0;
  const serve = async (folder: string, args: (port: number) => string[], check: (url: string) => Promise<void>) => {
    const port = await freePort();
    servers += 1;
    const env = {
      ...process.env,
      NODE_ENV: 'production' as const,
      PORT: String(port),
      HOSTNAME: '127.0.0.1',
      REDIS_URL: `redis://${upstash.redis.options.host}:${upstash.redis.options.port}`,
      TEST_UPSTASH_URL: upstash.url,
      TEST_UPSTASH_TOKEN: upstash.token,
      TEST_NAMESPACE: `${version}-${process.pid}-${servers}`,
      VECSTASH_NATIVE: '',
    };
    const child = spawn(process.execPath, args(port), { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await ready(child);
      await check(`http://127.0.0.1:${port}`);
    } finally {
      child.kill('SIGKILL');
    }
  };
  const answers = (engine: string) => async (url: string) => {
    for (const name of ['redis', 'upstash', 'service', 'metrics']) {
      const response = await fetch(`${url}/${name}`);
      const body = await response.text();
      assert.is(response.status, 200, `${name}: ${body}`);
      if (name === 'metrics') assert.match(body, /cache_requests_total/);
      else if (name === 'service') assert.is(body, '{"vector":[1,3]}');
      else
        assert.equal(JSON.parse(body), {
          vectors: [
            [1, 3],
            [1, 3],
          ],
          hits: 1,
          fills: 1,
          engine,
        });
    }
  };

  test('the default config: each route answers, with no warning of the build', async () => {
    assert.not.match(await build({}), /vecstash|Critical dependency|Module not found/);
    const engine = consumer.isNative ? 'native' : 'portable';
    await serve(consumer.folder, (port) => [next, 'start', '-p', String(port), '-H', '127.0.0.1'], answers(engine));
  });

  const moved = async (config: object, engine: string) => {
    await build({ output: 'standalone', outputFileTracingRoot: consumer.folder, ...config });
    const folder = mkdtempSync(join(tmpdir(), 'vecstash-standalone-'));
    try {
      cpSync(join(consumer.folder, '.next/standalone'), folder, { recursive: true });
      await serve(folder, () => ['server.js'], answers(engine));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };

  test('standalone, copied elsewhere', () => moved({}, 'portable'));

  // The tracer of Next 15 does not find the addon.
  const traced = version === 'next-16' && consumer.isNative ? 'native' : 'portable';
  test('standalone with the package left out of the bundle: from Next 16 on that brings the addon', () =>
    moved({ serverExternalPackages: ['vecstash'] }, traced));

  test.run();
}

/** Waits for the line that says it serves. Rejects where the server ends before. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
      if (/Ready in/.test(output)) resolve();
    });
    child.on('exit', () => reject(new Error(`the server ended: ${output}`)));
  });
}
