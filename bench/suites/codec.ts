import { madeSets, realSets } from '../sets.js';
import type { Suite } from '../suite.js';
import type { FigureTable } from '../tables.js';
import { gaussianVectors } from '../vectors.js';
import { coreTable } from './codec/core.js';
import { digestsTable } from './codec/digests.js';
import { factsTable } from './codec/facts.js';
import { timeFromJavaScript } from './codec/javascript.js';
import { lossesTable } from './codec/losses.js';
import { portableTable } from './codec/portable.js';
import { sizesTable } from './codec/sizes.js';
import { valuesTable } from './codec/values.js';

const COUNT = 1000;
const DIMENSIONS = 768;
const SEED = 20261122;

/** The codec by itself: what vectors take in each precision, what comes back, and how fast either engine is. */
export const codec: Suite = async (settings) => {
  const vectors = gaussianVectors(COUNT, DIMENSIONS, SEED);
  const { measurements, ratios, table } = await timeFromJavaScript(vectors, settings);
  const about = 'sizes and losses of real and made vectors; times of synchronous calls, interleaved rounds';
  if (settings.only !== undefined) return { suite: 'codec', about, measurements, ratios };

  const { sets: real, skipped } = realSets();
  const made = madeSets();
  const sizes = sizesTable([...real, ...made], skipped);
  const losses = lossesTable([...made.slice(0, 1), ...real], skipped);
  const tables = [
    factsTable([...real, ...made], skipped),
    sizes,
    losses,
    coreTable(real, settings.short),
    table,
    await portableTable(made, settings.short),
    await digestsTable(settings.short),
    await valuesTable(settings.short),
  ];
  return { suite: 'codec', about, measurements: [], ratios: { ...ratios, ...sizeRatios(sizes, losses) }, tables };
};

/** Of the made sets, which are the same wherever they are made: each precision once. */
function sizeRatios(sizes: FigureTable, losses: FigureTable): Record<string, number> {
  const entries = [
    ...sizes.rows.map((row) => [`${row.set}, exact: size`, row] as const),
    ...losses.rows.map((row) => [`${row.set}, ${row.precision}: size`, row] as const),
  ];
  return Object.fromEntries(
    entries.filter(([name]) => name.startsWith('made')).map(([name, { ratio }]) => [name, Number(ratio)]),
  );
}
