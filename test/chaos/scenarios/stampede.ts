import { startInstance } from '../../support/chaos-instance.js';
import { startStore } from '../../support/chaos-stores.js';
import { NONE_REJECTED, NONE_WRONG, type Play, type Scenario } from '../scenario.js';

const DIMENSIONS = 64;

/** Processes that need the same text wait for the one that asks the model, for as long as that one is alive. */
export const stampede: Scenario = {
  name: 'stampede',
  about: '8 processes that need the same text at once, with a model of 12 s',
  variants: (['redis', 'hybrid'] as const).map((kind) => ({
    name: kind,
    goals: [NONE_WRONG, NONE_REJECTED, { figure: 'calls', atMost: 1, atLeast: 1 }],
    play: (play) => askAtOnce(kind, play),
  })),
};

async function askAtOnce(kind: 'redis' | 'hybrid', { pick }: Play) {
  const store = await startStore('redis url');
  const url = store.server?.url as string;
  const settings = { url, kind, thinkMs: pick(12_000, 2500), dimensions: DIMENSIONS };
  const instances = await Promise.all(Array.from({ length: pick(8, 4) }, () => startInstance(settings)));
  const start = performance.now();
  const answers = await Promise.all(instances.map((instance) => instance.call('embed', ['wanted by all'])));
  const slowestMs = performance.now() - start;
  const calls = instances.reduce((sum, instance) => sum + instance.calls, 0);
  await Promise.all(instances.map((instance) => instance.call('close')));
  await store.stop();
  const sum = (figure: 'wrong' | 'rejected') => answers.reduce((total, { tally }) => total + tally[figure], 0);
  return { processes: instances.length, calls, wrong: sum('wrong'), rejected: sum('rejected'), slowestMs };
}
