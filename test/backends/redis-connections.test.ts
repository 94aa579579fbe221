import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { entry, plain } from '../support/entries.js';
import { freePort, startRedis } from '../support/redis-server.js';
import { rejection } from '../support/rejection.js';
import { runNode } from '../support/run-script.js';
import { assertTellsNothing, SECRET_KEY } from '../support/secrets.js';
import { skipped } from '../support/skip.js';

const server = await startRedis();
const test = suite('connections to Redis, and who may do what');
const only = server.isPrivate ? test : test.skip;
if (!server.isPrivate)
  skipped('RedisBackend, connections: they need servers that listen and refuse as a test wants it');

test.after(() => server.stop());

only('the first calls wait for the first attempt to connect', async () => {
  const backend = new RedisBackend(server.url);
  await backend.setMany([entry('first')]);
  assert.equal(plain(await backend.getMany(['first'])), [[1, 1, 1, 1]]);
  await backend.close();
});

only('a Unix socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-socket-'));
  const local = await startRedis({ args: ['--unixsocket', join(folder, 'redis.sock')] });
  const backend = new RedisBackend(join(folder, 'redis.sock'));
  await backend.setMany([entry('a')]);
  assert.equal(plain(await backend.getMany(['a'])), [[1, 1, 1, 1]]);
  await backend.close();
  await local.stop();
  rmSync(folder, { recursive: true, force: true });
});

only('TLS: a certificate that is trusted, and one that is not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    execFileSync('openssl', [...request, ...name, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  } catch {
    skipped('RedisBackend over TLS: openssl makes no certificate here');
    return;
  }
  const port = await freePort();
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
  const secure = await startRedis({
    args: ['--tls-port', String(port), '--tls-auth-clients', 'no', ...files],
  }).catch(() => undefined);
  if (secure === undefined) {
    skipped('RedisBackend over TLS: this server was built without it');
    return;
  }
  const url = `rediss://localhost:${port}`;
  const distrusting = new RedisBackend(url);
  assert.match(
    (await rejection(distrusting.getMany([SECRET_KEY]))).message,
    /not connected \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
  );
  await distrusting.close();
  const program = `
    import { RedisBackend } from './src/backends/redis/redis.ts';
    const backend = new RedisBackend('${url}');
    await backend.setMany([{ key: 'a', value: Uint8Array.of(7) }]);
    console.log([...(await backend.getMany(['a']))[0]].join());
    await backend.close();
  `;
  const { stdout, stderr } = await runNode(['--import', 'tsx', '--input-type=module', '-e', program], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: cert },
  });
  assert.is(stdout.trim(), '7', stderr);
  await secure.stop();
  rmSync(folder, { recursive: true, force: true });
});

only('a wrong password is told as such, and not printed', async () => {
  const guarded = await startRedis();
  const admin = new Redis(guarded.url);
  await admin.config('SET', 'requirepass', 'right');
  const backend = new RedisBackend(guarded.url.replace('//', '//:nobody-may-see@'));
  const error = await rejection(backend.getMany([SECRET_KEY]));
  assert.match(error.message, /not connected \(WRONGPASS\)/);
  assertTellsNothing(error);
  await backend.close();
  admin.disconnect();
  await guarded.stop();
});

only('a user of narrow rights is enough, and nothing is printed', async () => {
  const guarded = await startRedis();
  const admin = new Redis(guarded.url);
  await admin.call(
    'ACL',
    'SETUSER',
    'app',
    'on',
    '>secret',
    '~*',
    '-@all',
    '+mget',
    '+set',
    '+unlink',
    '+scan',
    '+ping',
    '+info',
  );
  const backend = new RedisBackend(guarded.url.replace('//', '//app:secret@'));
  const { warn, error } = console;
  const printed: unknown[] = [];
  console.warn = console.error = (line: unknown) => void printed.push(line);
  try {
    await backend.setMany([entry('a')]);
    assert.equal(plain(await backend.getMany(['a'])), [[1, 1, 1, 1]]);
    assert.is(await backend.clear(''), 1);
    assert.ok((await backend.health()).ok);
    assert.match((await rejection(backend.touchMany([{ key: SECRET_KEY, ttlMs: 1000 }]))).message, /NOPERM/);
    assert.match((await rejection(backend.leases.acquire([SECRET_KEY], 'one', 1000))).message, /NOPERM/);
    await admin.call('ACL', 'SETUSER', 'app', '+pexpire', '+eval', '+get', '+pttl');
    await backend.touchMany([{ key: 'a', ttlMs: 1000 }]);
    assert.equal(await backend.leases.acquire(['b', 'b'], 'one', 60_000), [true, true]);
    await backend.leases.acquire(['b'], 'one', 90_000);
    await backend.leases.release(['b'], 'one');
  } finally {
    Object.assign(console, { warn, error });
  }
  assert.equal(printed, []);
  await backend.leases.acquire([SECRET_KEY], SECRET_KEY, 60_000);
  await admin.call('ACL', 'SETUSER', 'app', '-unlink', '-scan', '-ping');
  for (const call of [backend.deleteMany([SECRET_KEY]), backend.clear(SECRET_KEY)]) {
    const refusal = await rejection(call);
    assert.match(refusal.message, /NOPERM/);
    assertTellsNothing(refusal);
  }
  // What a script may not do has an error of another name.
  const refusal = await rejection(backend.leases.release([SECRET_KEY], SECRET_KEY));
  assert.match(refusal.message, /^Redis: (ERR|NOPERM)$/);
  assertTellsNothing(refusal);
  assert.match((await backend.health()).detail ?? '', /^Redis: NOPERM$/);
  await backend.close();
  admin.disconnect();
  await guarded.stop();
});

test.run();
