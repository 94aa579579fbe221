import { createHistogram } from 'node:perf_hooks';
import { startProfile } from './profiler.js';
import { seeded } from './vectors.js';

/** The same orders in every run. */
const ORDER_SEED = 20261123;

/** Something to time. */
export interface Contender {
  name: string;
  run(): Promise<unknown>;
  /** What follows each run and is not timed. */
  settle?(): Promise<unknown>;
  /** Set: it leaves so much garbage that whoever follows pays for collecting it. See `interleaveApart`. */
  isHeavy?: boolean;
  /** What one vector takes where it is stored, in bytes. */
  bytesPerVector?: number;
}

/** What was measured of one contender, times in milliseconds. */
export interface Measurement {
  name: string;
  samples: number;
  p50: number;
  p95: number;
  p99: number;
  /** How long the event loop was busy, so that nothing else ran: the median. */
  busy: number;
  /** What all threads of this process computed: the median. */
  cpu: number;
  bytesPerVector?: number;
}

/** Rounds that are timed, and those that are warm-up before them. */
export type Rounds = readonly [timed: number, warmUp: number];

/** What a run of rounds found. */
export interface Interleaved {
  measurements: Measurement[];
  /**
   * How many times as long as `own` each other contender took, by name: the median over rounds of the quotient within a
   * round. What slows the machine down for a while slows down both, so that this is steadier than the quotient of medians.
   */
  timesOf(own: string): Record<string, number>;
}

/**
 * Times contenders against each other: every round runs each of them once, so that whatever the
 * machine does meanwhile it does to all, and each round in an order of its own: what one leaves to
 * be collected then slows down any of the others. Heavy ones run first in each round, then the
 * others once without being timed. The first rounds are warm-up and are dropped.
 */
export async function interleave(contenders: Contender[], rounds: number, warmUp: number): Promise<Interleaved> {
  const histograms = contenders.map(() => createHistogram());
  const samples = contenders.map((): number[] => []);
  const busy = contenders.map((): number[] => []);
  const cpu = contenders.map((): number[] => []);
  const random = seeded(ORDER_SEED);
  let endProfile = async () => {};
  const time = async (index: number, isKept: boolean) => {
    const { run, settle } = contenders[index] as Contender;
    const loop = performance.eventLoopUtilization();
    const used = process.cpuUsage();
    const started = process.hrtime.bigint();
    await run();
    const elapsed = process.hrtime.bigint() - started;
    const { user, system } = process.cpuUsage(used);
    const { active } = performance.eventLoopUtilization(loop);
    await settle?.();
    if (!isKept) return;
    histograms[index]?.record(elapsed);
    samples[index]?.push(Number(elapsed));
    busy[index]?.push(active);
    cpu[index]?.push((user + system) / 1000);
  };
  const all = contenders.map((_, index) => index);
  const heavy = all.filter((index) => contenders[index]?.isHeavy);
  const light = all.filter((index) => !contenders[index]?.isHeavy);
  for (let round = -warmUp; round < rounds; round++) {
    if (round === 0) endProfile = await startProfile();
    for (const index of shuffled(heavy, random)) await time(index, round >= 0);
    if (heavy.length > 0) for (const index of shuffled(light, random)) await time(index, false);
    for (const index of shuffled(light, random)) await time(index, round >= 0);
  }
  await endProfile();
  const measurements = contenders.map(({ name, bytesPerVector }, i): Measurement => {
    const percentile = (p: number) => (histograms[i]?.percentile(p) ?? Number.NaN) / 1e6;
    const times = { p50: percentile(50), p95: percentile(95), p99: percentile(99) };
    const loads = { busy: median(busy[i] ?? []), cpu: median(cpu[i] ?? []) };
    return { name, samples: rounds, ...times, ...loads, ...(bytesPerVector !== undefined && { bytesPerVector }) };
  });
  const timesOf = (own: string) => {
    const base = samples[contenders.findIndex(({ name }) => name === own)] ?? [];
    return Object.fromEntries(
      contenders.flatMap(({ name }, i) =>
        name === own ? [] : [[name, median(base.map((time, round) => (samples[i]?.[round] ?? Number.NaN) / time))]],
      ),
    );
  };
  return { measurements, timesOf };
}

/**
 * The same in several runs: those that are not heavy among themselves, then each heavy one beside
 * `own`. In a process with heavy ones V8 throws code away and compiles it again, and collects their
 * garbage on cores that the others need: with seven of them a lookup of 2.4 ms took 4 ms.
 */
export async function interleaveApart(
  contenders: Contender[],
  own: string,
  rounds: { light: Rounds; heavy: Rounds },
): Promise<Interleaved> {
  const beside = contenders.filter(({ name }) => name === own);
  const runs = [
    await interleave(
      contenders.filter(({ isHeavy }) => !isHeavy),
      ...rounds.light,
    ),
  ];
  for (const heavy of contenders.filter(({ isHeavy }) => isHeavy))
    runs.push(await interleave([heavy, ...beside], ...rounds.heavy));
  return {
    // Of `own` what it took among its like.
    measurements: contenders.flatMap(({ name }) =>
      runs.flatMap(({ measurements }) => measurements.filter((one) => one.name === name)).slice(0, 1),
    ),
    timesOf: (name) =>
      name === own ? Object.assign({}, ...runs.map((run) => run.timesOf(own))) : (runs[0] as Interleaved).timesOf(name),
  };
}

/** The middle one of some numbers. */
function median(numbers: number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** Elements in a random order, by Fisher and Yates. */
function shuffled(elements: number[], random: () => number): number[] {
  const order = [...elements];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
