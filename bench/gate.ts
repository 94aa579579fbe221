import { readFileSync } from 'node:fs';
import type { SuiteResult } from './suite.js';

/** What was committed: the ratios of each suite, and how far below them a run may fall before it fails. */
interface Baseline {
  /** A share: 0.3 lets a ratio of 10 fall to 7. Times need room. */
  margin: number;
  suites: Record<string, Record<string, number | WithMargin>>;
}

/**
 * A ratio with a margin of its own. Sizes are the same on every machine. What computes where vecstash waits for the server falls behind
 * by less on a busy machine: only the bare answer, which waits as well, has a narrow margin.
 */
interface WithMargin {
  ratio: number;
  margin: number;
}

/** What fell too far below the committed ratios, a line each. A ratio that is gone has fallen. */
export function regressions(result: SuiteResult): string[] {
  const { margin: usual, suites }: Baseline = JSON.parse(
    readFileSync(new URL('baseline.json', import.meta.url), 'utf8'),
  );
  return Object.entries(suites[result.suite] ?? {}).flatMap(([name, committed]) => {
    const { ratio, margin } = typeof committed === 'number' ? { ratio: committed, margin: usual } : committed;
    const least = ratio * (1 - margin);
    const found = result.ratios[name];
    if (found !== undefined && found >= least) return [];
    return [`${name}: ${found?.toFixed(3) ?? 'not measured'}, committed ${ratio}, at least ${least.toFixed(3)}`];
  });
}
