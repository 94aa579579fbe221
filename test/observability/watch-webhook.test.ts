import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { emit, type FailureEvent } from '../../src/events.js';
import { type Alert, type AlertWatcher, watchAlerts } from '../../src/observability/index.js';
import { listen } from '../../src/observability/listen.js';
import { until } from '../../src/testing/until.js';
import { ManualClock } from './manual-clock.js';

const test = suite('watchAlerts: webhook');
const MINUTE = 60_000;

interface Posted {
  text: string;
  alert: Alert;
}

/** A watcher that posts to a real server, which answers each request with the next status; 0 is no answer. */
async function withWebhook(
  statuses: number[],
  work: (parts: {
    clock: ManualClock;
    watcher: AlertWatcher;
    posted: Posted[];
    failures: FailureEvent[];
    types: (string | undefined)[];
    pausing(time: number): Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  const posted: Posted[] = [];
  const types: (string | undefined)[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    posted.push(JSON.parse(body));
    types.push(`${request.method} ${request.headers['content-type']}`);
    const status = statuses.shift() ?? 200;
    if (status === 0) return;
    if (status === 302) response.setHeader('location', '/elsewhere');
    response.statusCode = status;
    response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const clock = new ManualClock();
  const failures: FailureEvent[] = [];
  const stopListening = listen({ failure: (event) => void failures.push(event) });
  const watcher = watchAlerts({ webhook: `http://127.0.0.1:${port}/services/a-secret` }, clock);
  const pausing = (time: number) =>
    until(`a pause of ${time} ms`, () => [...clock.pauses].some((pause) => pause.time === time));
  try {
    await work({ clock, watcher, posted, failures, types, pausing });
    assert.not.match(JSON.stringify(failures), 'a-secret');
    assert.not.match(JSON.stringify(failures), String(port));
  } finally {
    watcher.stop();
    stopListening();
    server.closeAllConnections();
    server.close();
  }
}

function corrupt(namespace = 'docs') {
  emit('lookup', () => ({ namespace, keys: ['k'], outcomes: ['corrupt'], bytes: 0, durationMs: 1 }));
}

test('an alert is posted as JSON, with a text for Slack and the fields for a program', () =>
  withWebhook([], async ({ clock, watcher, posted, types }) => {
    corrupt();
    clock.advance(MINUTE);
    await until('it is posted and answered', () => posted.length === 1 && clock.pauses.size === 0);
    const [body] = posted as [Posted];
    assert.equal(Object.keys(body), ['text', 'alert']);
    assert.is(body.text, '[firing] VecstashCorruptRecords: 1 corrupt cache records in docs');
    assert.equal(body.alert, watcher.firing[0] as Alert);
    assert.equal(types, ['POST application/json']);
    clock.advance(15 * MINUTE);
    await until('the end is posted and answered', () => posted.length === 2 && clock.pauses.size === 0);
    assert.is(posted[1]?.alert.state, 'resolved');
    assert.is(watcher.undelivered, 0);
  }));

test('a webhook that fails is tried again after pauses, and what comes later waits for it', () =>
  withWebhook([503, 429, 200], async ({ clock, watcher, posted, failures, pausing }) => {
    corrupt();
    clock.advance(MINUTE);
    await pausing(1000);
    clock.advance(999);
    assert.is(posted.length, 1);
    corrupt('later');
    clock.advance(MINUTE);
    await pausing(5000);
    assert.is(posted.length, 2);
    clock.advance(5000);
    await until('both are posted', () => posted.length === 4);
    assert.equal(
      posted.map(({ alert }) => alert.labels.namespace),
      ['docs', 'docs', 'docs', 'later'],
    );
    assert.is(watcher.undelivered, 0);
    assert.equal(failures, []);
  }));

test('what is never taken is given up, counted and told', () =>
  withWebhook([500, 500, 500, 500], async ({ clock, watcher, posted, failures, pausing }) => {
    corrupt();
    clock.advance(MINUTE);
    for (const pause of [1000, 5000, 25_000]) {
      await pausing(pause);
      clock.advance(pause);
    }
    await until('it is given up', () => watcher.undelivered === 1);
    assert.is(posted.length, 4);
    assert.equal(failures, [{ namespace: undefined, operation: 'alert', error: 'HTTP 500' }]);
    // The next one finds it well again.
    clock.advance(15 * MINUTE);
    await until('the end is posted', () => posted.length === 5);
  }));

test('what it refuses is not tried again, and no redirection is followed', () =>
  withWebhook([404, 302], async ({ clock, watcher, posted, failures }) => {
    corrupt('a');
    corrupt('b');
    clock.advance(MINUTE);
    await until('both are given up', () => watcher.undelivered === 2);
    assert.is(posted.length, 2);
    assert.equal(
      failures.map(({ error }) => error),
      ['HTTP 404', 'HTTP 302'],
    );
  }));

test('a webhook that does not answer is given up after 10 s and tried again', () =>
  withWebhook([0, 200], async ({ clock, watcher, posted, pausing }) => {
    corrupt();
    clock.advance(MINUTE);
    await until('it is asked', () => posted.length === 1);
    clock.advance(9999);
    assert.equal(
      [...clock.pauses].map(({ time }) => time),
      [10_000],
    );
    clock.advance(1);
    await pausing(1000);
    clock.advance(1000);
    await until('it is asked again', () => posted.length === 2);
    assert.is(watcher.undelivered, 0);
  }));

test('stop gives up what is under way and what waits', () =>
  withWebhook([0], async ({ clock, watcher, posted, failures }) => {
    corrupt('a');
    corrupt('b');
    clock.advance(MINUTE);
    await until('it is asked', () => posted.length === 1);
    watcher.stop();
    await until('both are given up', () => watcher.undelivered === 2);
    assert.is(posted.length, 1);
    assert.is(failures.length, 2);
    assert.is(clock.pauses.size, 0);
  }));

test('of a webhook that never answers no more than a hundred wait', () =>
  withWebhook([0], async ({ clock, watcher, posted }) => {
    for (let i = 0; i < 100; i += 1) corrupt(`n${i}`);
    clock.advance(MINUTE);
    await until('it is asked', () => posted.length === 1);
    assert.is(watcher.undelivered, 0);
    corrupt('n100');
    clock.advance(MINUTE);
    await until('one is lost', () => watcher.undelivered === 1);
  }));

test('an address that nothing answers at is told by the system’s code', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const clock = new ManualClock();
  const failures: FailureEvent[] = [];
  const stopListening = listen({ failure: (event) => void failures.push(event) });
  const watcher = watchAlerts({ webhook: `http://127.0.0.1:${port}/` }, clock);
  try {
    corrupt();
    clock.advance(MINUTE);
    for (const pause of [1000, 5000, 25_000]) {
      await until('it pauses', () => [...clock.pauses].some(({ time }) => time === pause));
      clock.advance(pause);
    }
    await until('it is given up', () => watcher.undelivered === 1);
    assert.is(failures[0]?.error, 'ECONNREFUSED');
  } finally {
    watcher.stop();
    stopListening();
  }
});

test.run();
