// First: what is imported next keeps the timers that it finds.
import '../support/sim-time.js';

import { type Outcome, play } from './history.js';

/**
 * Plays the histories of the seeds from `first` to `last` and prints what came of it as one line of JSON; with a third argument every
 * event as well. Of each kind of violation it keeps the shortest history.
 */
const [first, last, isLogged] = process.argv.slice(2) as [string, string, string | undefined];
// A stack costs more than the error that it is of: only what is played again shows where it came from.
if (isLogged === undefined) Error.stackTraceLimit = 0;

export interface Report {
  histories: number;
  calls: number;
  served: number;
  failed: number;
  /** By kind of violation and of world. */
  shortest: Record<string, Outcome & { times: number; seeds: number[] }>;
}

const report: Report = { histories: 0, calls: 0, served: 0, failed: 0, shortest: {} };
for (let seed = Number(first); seed <= Number(last); seed += 1) {
  const outcome = await play(seed, isLogged !== undefined);
  if (isLogged) console.log(outcome.log.join('\n'));
  report.histories += 1;
  report.calls += outcome.calls;
  report.served += outcome.served;
  if (outcome.violations.length > 0) report.failed += 1;
  for (const kind of new Set(outcome.violations.map((violation) => `${violation.split(':')[0]} in ${outcome.kind}`))) {
    const known = report.shortest[kind];
    const times = (known?.times ?? 0) + 1;
    const seeds = [...(known?.seeds ?? []), seed];
    report.shortest[kind] = { ...(known && known.calls <= outcome.calls ? known : outcome), log: [], times, seeds };
  }
}
console.log(JSON.stringify(report));
