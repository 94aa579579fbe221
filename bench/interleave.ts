import { createHistogram } from 'node:perf_hooks';

/** Something to time. */
export interface Contender {
  name: string;
  run(): Promise<unknown>;
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
  bytesPerVector?: number;
}

/**
 * Times contenders against each other: every round runs each of them once, each round beginning with another, so that whatever
 * the machine does meanwhile it does to all. The first rounds are warm-up and are dropped.
 */
export async function interleave(contenders: Contender[], rounds: number, warmUp: number): Promise<Measurement[]> {
  const histograms = contenders.map(() => createHistogram());
  for (let round = -warmUp; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (turn + round + warmUp) % contenders.length;
      // What the one before left behind is collected now, where that can be asked for, and not on this one's time.
      globalThis.gc?.();
      const started = process.hrtime.bigint();
      await contenders[index]?.run();
      const elapsed = process.hrtime.bigint() - started;
      if (round >= 0) histograms[index]?.record(elapsed);
    }
  }
  return contenders.map(({ name, bytesPerVector }, i) => {
    const percentile = (p: number) => (histograms[i]?.percentile(p) ?? Number.NaN) / 1e6;
    return {
      name,
      samples: rounds,
      p50: percentile(50),
      p95: percentile(95),
      p99: percentile(99),
      ...(bytesPerVector !== undefined && { bytesPerVector }),
    };
  });
}
