import { AsyncResource } from 'node:async_hooks';
import { createRequire, syncBuiltinESMExports } from 'node:module';

/**
 * Simulated time: while a `SimTime` is current, every timer and `performance.now` of this process belong to it, and a thousand
 * simulated seconds take no longer than the events in them. Times are in milliseconds.
 *
 * Each event runs as a task of its own of the real event loop: what follows from it in microtasks, unhandled rejections included,
 * is over before the next one begins.
 *
 * Importing this replaces them, for good: it has to come before whatever keeps the real ones, as src/runtime.ts does.
 */

/** Node's order within one turn of the event loop. It matters when a process was frozen and all of that is due at once. */
const TIMER = 0;
const DELIVERY = 1;
const IMMEDIATE = 2;

/** One simulated process, whose timers and deliveries can be held back. */
export interface SimProcess {
  readonly name: string;
  frozenUntil: number;
}

interface Event {
  at: number;
  phase: number;
  order: number;
  owner: SimProcess | undefined;
  run: () => void;
  isOver: boolean;
  isRef: boolean;
}

const START = 1_000;
/** How many tasks are queued at a time: between those of one turn the real loop looks at nothing else. */
const TASKS = 64;
const LONGEST_TIMER = 2 ** 31 - 1;
/** What no history has in events: whoever waits for time to pass without a timer would wait for ever. */
const MOST_EVENTS = 200_000;
const realSetImmediate = globalThis.setImmediate;

let current: SimTime;

export class SimTime {
  now = START;
  /** How many events there were. */
  events = 0;
  /** Whose code runs: it owns the timers that are made meanwhile. */
  owner: SimProcess | undefined;
  /** What an event threw. */
  onUncaught: (error: unknown) => void = (error) => {
    throw error;
  };
  readonly #events: Event[] = [];
  #order = 0;

  /** Makes this the time of the whole process. */
  constructor() {
    current = this;
  }

  /** Something that arrives at a process (none: at the rest of the world) in `delay` ms. */
  after(delay: number, run: () => void, owner?: SimProcess): void {
    this.#add(this.now + delay, DELIVERY, run, owner);
  }

  wait(delay: number, owner = this.owner): Promise<void> {
    return new Promise((resolve) => this.after(delay, resolve, owner));
  }

  /** Runs what a caller in that process does. */
  as<T>(owner: SimProcess | undefined, work: () => T): T {
    const before = this.owner;
    this.owner = owner;
    try {
      return work();
    } finally {
      this.owner = before;
    }
  }

  freeze(process: SimProcess, duration: number): void {
    process.frozenUntil = Math.max(process.frozenUntil, this.now + duration);
  }

  timer(delay: unknown, run: () => void): SimTimer {
    const milliseconds = Number(delay);
    const wait = milliseconds >= 1 && milliseconds <= LONGEST_TIMER ? Math.trunc(milliseconds) : 1;
    return new SimTimer(this, wait, inContext(run));
  }

  immediate(run: () => void): SimTimer {
    return new SimTimer(this, -1, inContext(run));
  }

  start(wait: number, run: () => void): Event {
    return wait < 0
      ? this.#add(this.now, IMMEDIATE, run, this.owner)
      : this.#add(this.now + wait, TIMER, run, this.owner);
  }

  /** Runs events until `isOver`. Resolves to false where nothing is left to happen, or nothing before `limit`. */
  run(isOver: () => boolean, limit: number): Promise<boolean> {
    return new Promise((resolve) => {
      let isEnded = false;
      const end = (answer: boolean) => {
        isEnded = true;
        resolve(answer);
      };
      const step = () => {
        if (isEnded) return;
        if (isOver()) return end(true);
        const event = this.#next();
        this.events += 1;
        if (event === undefined) return end(false);
        if (event.at > limit || this.events > MOST_EVENTS) {
          push(this.#events, event);
          return end(false);
        }
        event.isOver = true;
        this.now = event.at;
        this.owner = event.owner;
        try {
          event.run();
        } catch (error) {
          this.onUncaught(error);
        }
      };
      const queue = () => {
        if (isEnded) return;
        for (let task = 0; task < TASKS; task += 1) realSetImmediate(step);
        realSetImmediate(queue);
      };
      queue();
    });
  }

  /** How many events are still to come. */
  get left(): number {
    return this.#events.filter(({ isOver }) => !isOver).length;
  }

  #next(): Event | undefined {
    for (;;) {
      const event = pop(this.#events);
      if (event === undefined) return undefined;
      if (event.isOver) continue;
      const until = event.owner?.frozenUntil ?? 0;
      if (until > event.at) {
        event.at = until;
        push(this.#events, event);
        continue;
      }
      return event;
    }
  }

  #add(at: number, phase: number, run: () => void, owner: SimProcess | undefined): Event {
    const event = { at, phase, order: this.#order++, owner, run, isOver: false, isRef: true };
    push(this.#events, event);
    return event;
  }
}

/** What `setTimeout`, `setInterval` and `setImmediate` return. */
class SimTimer {
  readonly #time: SimTime;
  readonly #wait: number;
  readonly #run: () => void;
  #event: Event;

  constructor(time: SimTime, wait: number, run: () => void) {
    this.#time = time;
    this.#wait = wait;
    this.#run = run;
    this.#event = time.start(wait, run);
  }

  clear(): void {
    this.#event.isOver = true;
  }

  refresh(): this {
    const { isRef } = this.#event;
    this.clear();
    this.#event = this.#time.start(this.#wait, this.#run);
    this.#event.isRef = isRef;
    return this;
  }

  ref(): this {
    this.#event.isRef = true;
    return this;
  }

  unref(): this {
    this.#event.isRef = false;
    return this;
  }

  hasRef(): boolean {
    return this.#event.isRef;
  }
}

/** Runs in the asynchronous context of here, as a timer does. Ten times as fast as `AsyncResource.bind`. */
function inContext(run: () => void): () => void {
  const context = new AsyncResource('SimTimer');
  return () => context.runInAsyncScope(run);
}

function isEarlier(a: Event, b: Event): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.phase !== b.phase ? a.phase < b.phase : a.order < b.order;
}

/** A binary heap: the earliest event is the first. */
function push(heap: Event[], event: Event): void {
  let place = heap.push(event) - 1;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    if (!isEarlier(event, heap[parent] as Event)) break;
    heap[place] = heap[parent] as Event;
    place = parent;
  }
  heap[place] = event;
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (last === undefined || last === first) return first;
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isEarlier(heap[child + 1] as Event, heap[child] as Event)) child += 1;
    if (!isEarlier(heap[child] as Event, last)) break;
    heap[place] = heap[child] as Event;
    place = child;
  }
  heap[place] = last;
  return first;
}

/** Puts the current `SimTime` in the place of this process's timers and clocks. */
function install(): void {
  const clear = (timer: unknown) => {
    if (timer instanceof SimTimer) timer.clear();
  };
  const timers = {
    setTimeout: (run: (...args: unknown[]) => void, delay?: unknown, ...args: unknown[]) =>
      current.timer(delay, () => run(...args)),
    setInterval: (run: (...args: unknown[]) => void, delay?: unknown, ...args: unknown[]) => {
      const timer: SimTimer = current.timer(delay, () => {
        timer.refresh();
        run(...args);
      });
      return timer;
    },
    setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) => current.immediate(() => run(...args)),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
  };
  const require = createRequire(import.meta.url);
  Object.assign(globalThis, timers);
  Object.assign(require('node:timers'), timers);
  Object.assign(require('node:timers/promises'), {
    setTimeout: (delay?: unknown, value?: unknown, options?: WaitOptions) =>
      waiting((run) => current.timer(delay, run), value, options),
    setImmediate: (value?: unknown, options?: WaitOptions) => waiting((run) => current.immediate(run), value, options),
  });
  let ids = 0;
  require('node:crypto').randomUUID = () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`;
  syncBuiltinESMExports();
  Object.defineProperty(performance, 'now', { value: () => current.now });
  Date.now = () => 1_700_000_000_000 + Math.trunc(current.now);
}

interface WaitOptions {
  signal?: AbortSignal;
  ref?: boolean;
}

function waiting(start: (run: () => void) => SimTimer, value: unknown, { signal, ref }: WaitOptions = {}) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      timer?.clear();
      reject(Object.assign(new Error('aborted', { cause: signal?.reason }), { name: 'AbortError', code: 'ABORT_ERR' }));
    };
    let timer: SimTimer | undefined;
    if (signal?.aborted) return abort();
    timer = start(() => {
      signal?.removeEventListener('abort', abort);
      resolve(value);
    });
    if (ref === false) timer.unref();
    signal?.addEventListener('abort', abort, { once: true });
  });
}

install();
new SimTime();
