import { suite } from 'uvu';
import type { DriftReport, DriftWatch } from '../../src/canary/watch-drift.js';
import type { DriftEvent, FailureEvent } from '../../src/events.js';
import { listen } from '../../src/observability/listen.js';
import { type SharedStore, watching } from './canary.js';

export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;

/** A suite whose tests each begin with no drift or failure told, and end with no watch open. */
export function driftSuite(name: string) {
  const test = suite(name);
  const drifts: DriftEvent[] = [];
  const failures: FailureEvent[] = [];
  const watches: DriftWatch[] = [];
  let stopListening = () => {};

  test.before.each(() => {
    drifts.length = 0;
    failures.length = 0;
    stopListening = listen({
      drift: (event) => void drifts.push(event),
      failure: (event) => void failures.push(event),
    });
  });

  test.after.each(async () => {
    stopListening();
    await Promise.all(watches.splice(0).map((watch) => watch.stop()));
  });

  /** An instance whose first check is over. */
  async function watchingFrom(...args: Parameters<typeof watching>) {
    const watch = watching(...args);
    watches.push(watch);
    const first = await settled(watch);
    return { ...watch, first };
  }

  return { test, drifts, failures, watches, watchingFrom };
}

/** The report of the check that is under way; what it was where none is. */
export async function settled(watch: DriftWatch): Promise<DriftReport> {
  return watch.check();
}

/** Lets time pass, and waits for the checks that begin. */
export async function pass(store: SharedStore, time: number) {
  for (let left = time; left > 0; left -= MINUTE) {
    store.clock.advance(Math.min(left, MINUTE));
    await turns();
  }
}

/** Everything that needs no more time has happened: the stores and models here answer within turns. */
export async function turns(count = 60) {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
