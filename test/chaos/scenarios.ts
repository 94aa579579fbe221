import type { Scenario } from './scenario.js';

/** Every scenario by its name. One alone is loaded. */
const SCENARIOS: Record<string, () => Promise<Scenario>> = {
  burst: async () => (await import('./scenarios/burst.js')).burst,
  close: async () => (await import('./scenarios/close.js')).close,
  'cluster-failover': async () => (await import('./scenarios/cluster-failover.js')).clusterFailover,
  desync: async () => (await import('./scenarios/desync.js')).desync,
  'held-loop': async () => (await import('./scenarios/held-loop.js')).heldLoop,
  'huge-call': async () => (await import('./scenarios/huge-call.js')).hugeCall,
  joins: async () => (await import('./scenarios/joins.js')).joins,
  outage: async () => (await import('./scenarios/outage.js')).outage,
  removals: async () => (await import('./scenarios/removals.js')).removals,
  'server-faults': async () => (await import('./scenarios/server-faults.js')).serverFaults,
  'slow-line': async () => (await import('./scenarios/slow-line.js')).slowLine,
  stampede: async () => (await import('./scenarios/stampede.js')).stampede,
};

export const scenarioNames: readonly string[] = Object.keys(SCENARIOS);

export async function loadScenario(name: string): Promise<Scenario> {
  const load = SCENARIOS[name];
  if (load === undefined) throw new Error(`no scenario is called ${name}: there are ${scenarioNames.join(', ')}`);
  return load();
}
