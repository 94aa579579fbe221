import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../../src/testing/until.js';
import { RespFrames } from '../support/resp-frames.js';
import { onceRule, type ReplyFault, type RespProxy, startRespProxy } from '../support/resp-proxy.js';

const test = suite('the proxy that knows where replies end');

const MESSAGES = [
  '+OK\r\n',
  '-ERR no\r\n',
  ':12\r\n',
  '$-1\r\n',
  '$0\r\n\r\n',
  '$5\r\na\r\n$b\r\n',
  '*0\r\n',
  '*-1\r\n',
  '*2\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n',
  '%1\r\n+a\r\n*1\r\n:1\r\n',
  '_\r\n',
];

test('finds the end of every message, however the bytes are cut', () => {
  const bytes = Buffer.from(MESSAGES.join(''));
  for (let size = 1; size <= bytes.length; size++) {
    const found: string[] = [];
    let message = '';
    const frames = new RespFrames((piece, isEnd) => {
      message += piece.toString();
      if (!isEnd) return;
      found.push(message);
      message = '';
    });
    for (let at = 0; at < bytes.length; at += size) frames.feed(bytes.subarray(at, at + size));
    assert.equal(found, MESSAGES);
    assert.is(message, '');
  }
});

/** Sends five commands, whose replies are their numbers, and returns what came when `isEnough`. */
async function answers(set: (proxy: RespProxy) => void, isEnough: (text: string) => boolean): Promise<string> {
  const server = createServer((socket) => {
    let count = 0;
    const frames = new RespFrames((_, isEnd) => void (isEnd && socket.write(`:${count++}\r\n`)));
    socket.on('data', (chunk) => frames.feed(chunk));
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startRespProxy((server.address() as { port: number }).port);
  set(proxy);
  const client = connect(proxy.port, '127.0.0.1');
  let text = '';
  client.on('data', (chunk) => {
    text += chunk;
  });
  client.on('error', () => {
    text += 'reset';
  });
  client.write('*2\r\n$3\r\nget\r\n$1\r\na\r\n'.repeat(5));
  await until('the answers came', async () => isEnough(text));
  assert.is(proxy.count('GET'), 5);
  client.destroy();
  await proxy.stop();
  server.close();
  return text.replaceAll('\r\n', '').replaceAll(':', '');
}

test('each fault does what it is called', async () => {
  const cases: [ReplyFault, string][] = [
    ['drop', '0134'],
    ['double', '012234'],
    ['swap', '01324'],
    ['shift', '01123'],
    [{ insert: ':9\r\n' }, '019234'],
    [{ replace: ':9\r\n' }, '01934'],
    [{ delay: 20 }, '01234'],
    [{ cut: 2 }, '012'],
  ];
  for (const [fault, expected] of cases) {
    const text = await answers(
      (proxy) => {
        proxy.rule = onceRule(fault, ({ index, command }) => index === 2 && command === 'GET');
      },
      (text) => text.replaceAll('\r\n', '').replaceAll(':', '').startsWith(expected),
    );
    assert.is(text.replace('reset', ''), expected);
  }
});

test('a bounded rate and a delay lose nothing', async () => {
  const text = await answers(
    (proxy) => {
      proxy.rate = 2000;
      proxy.delay = 5;
    },
    (text) => text.includes(':4\r\n'),
  );
  assert.is(text, '01234');
});

test.run();
