import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FigureTable } from './tables.js';

interface CallFrame {
  functionName: string;
  url: string;
  lineNumber: number;
}

/** What of V8's CPU profile (https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile) is read here. */
interface CpuProfile {
  nodes: { id: number; children?: number[]; callFrame: CallFrame }[];
  /** The node that each sample found running, and the microseconds since the sample before. */
  samples: number[];
  timeDeltas: number[];
}

/** The functions that took most time by themselves, without what they called. Waiting is left out. */
export function selfTimes(file: string, most: number): FigureTable {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const callerOf = new Map(nodes.flatMap(({ children = [], callFrame }) => children.map((id) => [id, callFrame])));
  const nameOf = new Map(nodes.map(({ id, callFrame }) => [id, frameName(callFrame, callerOf.get(id))]));
  const times = new Map<string, number>();
  samples.forEach((id, i) => {
    const name = nameOf.get(id) ?? '?';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[i] ?? 0));
  });
  times.delete('(idle)');
  const busy = [...times.values()].reduce((sum, time) => sum + time, 0);
  const rows = [...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([name, time]) => ({ name, share: (100 * time) / busy, ms: time / 1000 }));
  return {
    id: 'self-times',
    title: `${(busy / 1e6).toFixed(1)} s of work: the functions that took most of it themselves`,
    columns: [
      { key: 'name', head: 'function' },
      { key: 'share', head: '%', digits: 1 },
      { key: 'ms', head: 'ms', digits: 0 },
    ],
    rows,
  };
}

function frameName({ functionName, url, lineNumber }: CallFrame, caller?: CallFrame): string {
  const name = functionName || '(anonymous)';
  // V8 names native code by guess; who called it is known.
  if (url === '') return caller?.url ? `native code, for ${frameName(caller)}` : name;
  const path = url.startsWith('file:') ? relative(process.cwd(), fileURLToPath(url)) : url;
  return `${name}  ${path.replace(/^.*node_modules\//, '')}:${lineNumber + 1}`;
}
