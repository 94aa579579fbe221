import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { runNode } from '../support/run-script.js';
import { command } from '../support/serve-process.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(root + path, 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  name: string;
  bin: Record<string, string>;
  peerDependencies: Record<string, string>;
};

interface Service {
  image: string;
  command: string[];
  environment: Record<string, string>;
  ports: string[];
  volumes: string[];
  healthcheck: { test: string[] };
  depends_on: Record<string, { condition: string }>;
}

const compose = parse(read('deploy/serve/compose.yaml')) as {
  services: Record<'serve' | 'redis', Service>;
  volumes: Record<string, null>;
};
const dockerfile = read('deploy/serve/Dockerfile');

const test = suite('deploy: serve');

/** What npm is told to install: this package and peers of it, in versions that are allowed. */
function assertPackages(words: string): void {
  const packages = words.split(' ').filter((word) => word && !word.startsWith('-'));
  assert.is(packages.length, 3);
  for (const each of packages) {
    const [, name = '', version] = /^(@?[^@]+)(?:@(.+))?$/.exec(each) ?? [];
    if (name !== manifest.name)
      assert.match(manifest.peerDependencies[name] ?? '', new RegExp(`\\^${version}\\b`), each);
  }
}

test('environment variables are those of the command', async () => {
  const { stdout } = await runNode([...command, 'serve', '--help']);
  const known = new Set(stdout.match(/\b(VECSTASH_\w+|PORT)\b/g));
  const named = [
    ...Object.keys(compose.services.serve.environment),
    ...(dockerfile.match(/\bVECSTASH_\w+(?==)/g) ?? []),
  ];
  assert.ok(named.length >= 5);
  assert.equal(
    named.filter((name) => !known.has(name)),
    [],
  );
});

test('compose: serve waits for Redis, both are healthy by their own answer, and nothing is published to others', () => {
  const { serve, redis } = compose.services;
  assert.is(serve.environment.VECSTASH_BACKEND, 'redis://redis:6379');
  assert.equal(serve.depends_on, { redis: { condition: 'service_healthy' } });
  assert.ok(
    serve.ports.every((port) => port.startsWith('127.0.0.1:') && port.endsWith(`:${serve.environment.VECSTASH_PORT}`)),
  );
  assert.is(redis.ports, undefined);
  assert.match(serve.healthcheck.test.join(' '), /\/healthz/);
  assert.match(redis.command.join(' '), /--maxmemory .*--maxmemory-policy allkeys-l[rf]u/);
  for (const service of [serve, redis]) {
    for (const volume of service.volumes) assert.ok((volume.split(':')[0] as string) in compose.volumes, volume);
    assert.match(service.image, /^(node|redis):\d/);
    assert.not.ok('build' in service);
  }
  const [, installed = ''] = /npm install --prefix \S+ ([^;]+);/.exec(serve.command.join(' ')) ?? [];
  assertPackages(installed);
  assert.match(serve.command.at(-1) as string, /exec ~\/serve\/node_modules\/\.bin\/vecstash serve$/);
  assert.ok('vecstash' in manifest.bin);
});

test('Dockerfile: installs what it runs, as another user than root, and gets signals', () => {
  const [, installed = ''] = /npm install --global ([^\\]+)/.exec(dockerfile.replaceAll(/\${\w+}/g, 'x')) ?? [];
  assertPackages(installed);
  assert.match(dockerfile, /^USER node$/m);
  assert.match(dockerfile, /^ENTRYPOINT \["vecstash"\]\nCMD \["serve"\]$/m);
});

test('their health checks run', async () => {
  const [, health] = /CMD (\["node".*\])/.exec(dockerfile) ?? [];
  for (const test of [compose.services.serve.healthcheck.test.slice(1), JSON.parse(health ?? '[]') as string[]]) {
    const { code, stderr } = await runNode(test.slice(1), { env: { ...process.env, VECSTASH_PORT: '1' } });
    assert.equal([code, stderr], [1, ''], 'nothing listens there');
  }
});

test.run();
