import * as assert from 'uvu/assert';
import { emit } from '../../src/events.js';
import { createMetrics, type Metrics, type MetricsOptions } from '../../src/observability/index.js';

const running: Metrics[] = [];

/** All metrics of a process hear all of its caches: they are stopped after the test, by `stopAll`. */
export function start(options?: MetricsOptions): Metrics {
  const metrics = createMetrics(options);
  running.push(metrics);
  return metrics;
}

export function stopAll(): void {
  for (const metrics of running.splice(0)) metrics.stop();
}

/** The values of series as they stand in one text; undefined where there is none. */
export async function read(metrics: Metrics, all: readonly string[]): Promise<(number | undefined)[]> {
  const lines = (await metrics.text()).split('\n');
  return all.map((series) => {
    const line = lines.find((text) => text.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  });
}

/** The series have these values in one text. */
export async function check(metrics: Metrics, expected: Record<string, number | undefined>): Promise<void> {
  const names = Object.keys(expected);
  const values = await read(metrics, names);
  assert.equal(Object.fromEntries(names.map((name, i) => [name, values[i]])), expected);
}

/** One lookup of so many keys, all of them hits. */
export function lookup(namespace: string, hits = 1) {
  const keys = Array.from({ length: hits }, (_, i) => `k${i}`);
  emit('lookup', () => ({ namespace, keys, outcomes: keys.map(() => 'hit'), bytes: 0, durationMs: 1 }));
}
