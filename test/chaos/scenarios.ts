import type { Scenario } from './scenario.js';

/** Every scenario by its name. One alone is loaded. */
const SCENARIOS: Record<string, () => Promise<Scenario>> = {
  burst: async () => (await import('./scenarios/burst.js')).burst,
  close: async () => (await import('./scenarios/close.js')).close,
  'held-loop': async () => (await import('./scenarios/held-loop.js')).heldLoop,
  joins: async () => (await import('./scenarios/joins.js')).joins,
  'slow-line': async () => (await import('./scenarios/slow-line.js')).slowLine,
};

export const scenarioNames: readonly string[] = Object.keys(SCENARIOS);

export async function loadScenario(name: string): Promise<Scenario> {
  const load = SCENARIOS[name];
  if (load === undefined) throw new Error(`no scenario is called ${name}: there are ${scenarioNames.join(', ')}`);
  return load();
}
