/**
 * Plays one scenario in this process and tells the parent each result: `play.ts NAME SEED long|quick [VARIANT]`. A process of its
 * own, so that an engine can be chosen by the environment, memory is measured alone, and a crash is a failed goal.
 */
import { randomOf } from '../support/chaos-random.js';
import { judge, type Result, type Variant } from './scenario.js';
import { loadScenario } from './scenarios.js';

const [name, seed, form, only] = process.argv.slice(2) as [string, string, 'long' | 'quick', string | undefined];
const isLong = form === 'long';

// The servers that this process started are killed when it exits, so it has to exit in order also when it is no longer wanted.
process.on('SIGTERM', () => process.exit(1));
process.on('disconnect', () => process.exit(1));

const scenario = await loadScenario(name);
for (const variant of scenario.variants) {
  if (only !== undefined && !variant.name.includes(only)) continue;
  if (variant.isLongOnly && !isLong) continue;
  process.send?.(await play(variant));
}
// Whatever a variant left open: what it was about is over.
process.exit(0);

async function play({ name: variant, goals, play: run }: Variant): Promise<Result> {
  const start = performance.now();
  const figures = await run({
    random: randomOf(Number(seed), `${name}/${variant}`),
    isLong,
    pick: (long, quick) => (isLong ? long : quick),
  });
  const seconds = (performance.now() - start) / 1000;
  const times = goals.filter(({ isTime }) => isTime);
  const judged = isLong ? goals : goals.filter(({ isTime }) => !isTime);
  return {
    variant,
    seconds,
    figures,
    missed: judge(judged, figures),
    unjudged: isLong ? [] : times.map(({ figure }) => figure),
  };
}
