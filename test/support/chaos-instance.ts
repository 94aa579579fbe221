import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Tally } from './chaos-namespace.js';
import { deferred } from './models.js';

export interface ProcessSettings {
  url: string;
  kind: 'redis' | 'hybrid';
  /** How long its model takes, in milliseconds. */
  thinkMs: number;
  dimensions: number;
}

/** A call of the parent. */
export interface ProcessCall {
  id: number;
  method: 'embed' | 'found' | 'close';
  texts: string[];
  /** Freezes the process so many milliseconds after its model has answered the next time. */
  freezeAfterMs?: number;
}

interface Answer {
  id: number;
  found: string[];
  tally: Tally;
}

type Message = Answer | { ready: true } | { asked: string[] } | { freezing: true };

/** An instance of an application in another process. */
export interface Instance {
  /** Calls of its model so far. */
  readonly calls: number;
  /** Texts that its model was asked for. */
  readonly asked: ReadonlySet<string>;
  call(
    method: ProcessCall['method'],
    texts?: string[],
    freezeAfterMs?: number,
  ): Promise<{ found: string[]; tally: Tally }>;
  /** Resolves when it freezes (see `freezeAfterMs`): it stands still from then on, and its connections stay open. */
  frozen(): Promise<void>;
  resume(): void;
  kill(): void;
}

/** Starts an instance and waits until its backend is ready. */
export async function startInstance(settings: ProcessSettings): Promise<Instance> {
  const script = fileURLToPath(new URL('./chaos-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(settings)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const kill = () => void child.kill('SIGKILL');
  process.on('exit', kill);
  const asked = new Set<string>();
  const waiting = new Map<number, (answer: Answer) => void>();
  const freezes: (() => void)[] = [];
  const ready = deferred();
  let calls = 0;
  let ids = 0;
  child.on('message', (message: Message) => {
    if ('ready' in message) ready.resolve();
    else if ('asked' in message) {
      calls += 1;
      for (const text of message.asked) asked.add(text);
    } else if ('freezing' in message) for (const resolve of freezes.splice(0)) resolve();
    else waiting.get(message.id)?.(message);
  });
  child.on('exit', (code) => {
    process.off('exit', kill);
    ready.reject(new Error(`the instance ended with ${code} before it was ready`));
  });
  await ready.promise;
  return {
    get calls() {
      return calls;
    },
    asked,
    call(method, texts = [], freezeAfterMs) {
      const id = ids;
      ids += 1;
      const answer = deferred<Answer>();
      waiting.set(id, answer.resolve);
      child.send({ id, method, texts, ...(freezeAfterMs !== undefined && { freezeAfterMs }) } satisfies ProcessCall);
      return answer.promise;
    },
    frozen: () => new Promise((resolve) => void freezes.push(resolve)),
    resume: () => void child.kill('SIGCONT'),
    kill,
  };
}
