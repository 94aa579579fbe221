import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backendOf } from '../../src/cli/backends.js';
import { bytesOf, count, flag, name, readOptions, size, text, time, UsageError, url } from '../../src/cli/options.js';
import { runNode } from '../support/run-script.js';
import { command } from '../support/serve-process.js';

const OPTIONS = {
  upstream: url('a URL'),
  port: count('a port', 0, 65_535, { default: '8787', env: ['VECSTASH_PORT', 'PORT'] }),
  host: text('ADDRESS', 'an address', { default: '127.0.0.1' }),
  namespace: name('a name', 'serve'),
  shared: flag('a flag'),
  ttl: time('a time'),
  'max-body': size('a size', '16mb'),
};

const read = (args: string[], env: NodeJS.ProcessEnv = {}) => readOptions('serve', 'about', OPTIONS, args, env);

const test = suite('options of commands');

test('an argument wins over the environment, that over what is preset', () => {
  assert.equal(read([]), {
    upstream: undefined,
    port: 8787,
    host: '127.0.0.1',
    namespace: 'serve',
    shared: false,
    ttl: undefined,
    'max-body': 16 * 2 ** 20,
  });
  const env = {
    PORT: '1',
    VECSTASH_UPSTREAM: 'http://a/v1',
    VECSTASH_SHARED: '1',
    VECSTASH_MAX_BODY: '2kb',
    VECSTASH_TTL: '',
  };
  assert.equal([read([], env).port, read(['--port', '3'], { ...env, VECSTASH_PORT: '2' }).port], [1, 3]);
  assert.is(read([], { ...env, VECSTASH_PORT: '2' }).port, 2);
  assert.equal(
    [read([], env).shared, read([], { VECSTASH_SHARED: '0' }).shared, read(['--shared']).shared],
    [true, false, true],
  );
  assert.equal(
    [read([], env)['max-body'], read([], env).ttl, read(['--ttl', '90']).ttl, read(['--ttl=1h']).ttl],
    [2048, undefined, 90, 3_600_000],
  );
  assert.is(read([], env).upstream?.href, 'http://a/v1');
});

test('what is wrong is one sentence that names the option, and never a value', () => {
  const wrong: [string[], NodeJS.ProcessEnv, RegExp][] = [
    [['--upstream', 'ftp://SECRET'], {}, /^--upstream has to be a URL that begins with http/],
    [['--port', '65536'], {}, /^--port has to be a whole number from 0 to 65535$/],
    [[], { PORT: '1e3' }, /^PORT has to be/],
    [['--host', ''], {}, /^--host has to be an? ADDRESS$/],
    [['--namespace', 'a b'], {}, /^--namespace has to be 1 to 64/],
    [['--ttl', 'soon'], {}, /^--ttl has to be a positive time/],
    [['--max-body', '1tb'], {}, /^--max-body has to be a number of bytes/],
    [['--prot', '1'], {}, /^Unknown option '--prot': vecstash serve --help/],
    [['--port'], {}, /--port.*: vecstash serve --help/],
    [['here'], {}, /'here'.*: vecstash serve --help/],
  ];
  for (const [args, env, message] of wrong) {
    assert.throws(
      () => read(args, env),
      (error: Error) => error instanceof UsageError && message.test(error.message),
    );
    assert.throws(
      () => read(args, env),
      (error: Error) => !/SECRET|\n/.test(error.message),
    );
  }
});

test('sizes and backends', () => {
  assert.equal(['1', '2KB', '3mb', '1gb', '0', '', '1.5mb', '-1', '9'.repeat(13)].map(bytesOf), [
    1,
    2048,
    3 * 2 ** 20,
    2 ** 30,
    ...Array(5).fill(undefined),
  ]);
  const known = ['memory', 'memory:256mb', 'sqlite:/a b/c.sqlite', 'redis://u:PASSWORD@h:1/2', 'rediss://h'];
  assert.ok(known.every((one) => backendOf(one) !== undefined && !backendOf(one)?.name.includes('PASSWORD')));
  assert.equal(
    ['', 'sqlite', 'sqlite:', 'memory:', 'memory:x', 'redis', 'redis:', 'mysql://h', 'memoryx']
      .map(backendOf)
      .filter(Boolean),
    [],
  );
});

test('the command: help, version, and exit codes', async () => {
  const run = (...args: string[]) => runNode([...command, ...args]);
  const [help, version, none, unknown, bad, ofServe] = await Promise.all([
    run('--help'),
    run('--version'),
    run(),
    run('sevre'),
    run('serve'),
    run('serve', '--help'),
  ]);
  assert.equal(
    [help, version, none, unknown, bad, ofServe].map(({ code }) => code),
    [0, 0, 2, 2, 2, 0],
  );
  assert.match(help.stdout, /serve +an OpenAI-compatible/);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\S*\n$/);
  assert.is(unknown.stderr, 'vecstash: there is no command sevre: vecstash --help lists them\n');
  assert.match(bad.stderr, /^vecstash: --upstream is missing: .*\n$/);
  assert.match(ofServe.stdout, /--max-inputs N .*\[2048\] \(VECSTASH_MAX_INPUTS\)/);
});

test.run();
