import { untilAborted } from '../async/abort.js';
import { setTimeout } from '../runtime.js';
import type { Embedded, EmbedPipeline, EmbedRequest } from './embed.js';
import { currentFrame } from './fill/nesting.js';
import { ofPlaces, plannerOfKeys } from './lookup/plan.js';
import { copiesOf } from './lookup/vector-copies.js';
import type { Found } from './lookup/vector-lookup.js';

/** The most inputs that are gathered into one lookup. */
const MAX_INPUTS = 10_000;

/** One call of a group. */
interface Member<Input> {
  request: EmbedRequest<Input>;
  /** Where its inputs begin among those of the group. */
  firstPlace: number;
  /** It has ended by its signal. */
  hasLeft: boolean;
}

/** Calls that are looked up together. */
interface Group<Input> {
  members: Member<Input>[];
  inputs: number;
  /** How many calls still wait. */
  waiting: number;
  signal: AbortSignal;
  /** The keys whose vectors a call has got: any other gets copies. */
  taken: Set<number>;
  result: Promise<Embedded>;
  start: () => void;
  /** Nobody waits any more. */
  end: (reason: unknown) => void;
}

/**
 * Gathers the calls of `embed` that come within a window and ask for the same: their inputs become
 * one lookup, and what is missing is computed together. Each call gets its own part of what comes,
 * and ends by its own signal; the work is aborted when nobody waits for it.
 */
export class Gathering<Input> {
  readonly #pipeline: EmbedPipeline<Input>;
  readonly #windowMs: number;
  /** By what their calls ask for. */
  readonly #groups = new Map<string, Group<Input>>();

  constructor(pipeline: EmbedPipeline<Input>, windowMs: number) {
    this.#pipeline = pipeline;
    this.#windowMs = windowMs;
  }

  /** The same as `EmbedPipeline.run`. */
  async run(request: EmbedRequest<Input>): Promise<Embedded> {
    // What a model asks for must not wait for others, who may wait for that model.
    if (request.bypass || currentFrame() !== undefined) return this.#pipeline.run(request);
    // Its keys are those of now, whatever becomes of its inputs.
    request.planner.plan();
    const group = this.#groupFor(request);
    const { onFound } = request;
    let thrown: { error: unknown } | undefined;
    const tell = (found: Found) => {
      try {
        onFound?.(partOf(found, member).found);
      } catch (error) {
        // No other call's error.
        thrown = { error };
      }
    };
    const member = { request: { ...request, onFound: onFound && tell }, firstPlace: 0, hasLeft: false };
    group.members.push(member);
    group.inputs += request.inputs.length;
    group.waiting += 1;
    if (group.inputs >= MAX_INPUTS) group.start();
    try {
      const all = await untilAborted(group.result, request.signal);
      if (thrown) throw thrown.error;
      const { found, keyOf } = partOf(all, member);
      const failed: Embedded['failed'] = new Map();
      const shared: number[] = [];
      found.plan.keys.forEach((_, k) => {
        const key = keyOf(k);
        if (all.failed.has(key)) failed.set(k, all.failed.get(key));
        else if (group.taken.has(key)) shared.push(k);
        group.taken.add(key);
      });
      const copies = copiesOf(shared.map((k) => found.vectors[k] as Float32Array));
      shared.forEach((k, i) => {
        found.vectors[k] = copies[i];
      });
      return { ...found, failed };
    } finally {
      member.hasLeft = true;
      group.waiting -= 1;
      if (group.waiting === 0) group.end(request.signal?.reason);
    }
  }

  #groupFor({ ttlMs, refresh }: EmbedRequest<Input>): Group<Input> {
    const id = `${ttlMs} ${refresh}`;
    const known = this.#groups.get(id);
    if (known !== undefined) return known;
    const controller = new AbortController();
    const close = () => {
      if (this.#groups.get(id) === group) this.#groups.delete(id);
    };
    let start = () => {};
    const started = new Promise<void>((resolve) => {
      start = () => {
        close();
        resolve();
      };
    });
    const group: Group<Input> = {
      members: [],
      inputs: 0,
      waiting: 0,
      signal: controller.signal,
      taken: new Set(),
      start,
      end: (reason) => {
        close();
        controller.abort(reason);
      },
      result: started.then(() => this.#runGroup(group)),
    };
    setTimeout(start, this.#windowMs);
    group.result.catch(() => {}); // every call may have ended by its signal
    this.#groups.set(id, group);
    return group;
  }

  async #runGroup({ members, signal }: Group<Input>): Promise<Embedded> {
    signal.throwIfAborted();
    const staying = members.filter(({ hasLeft }) => !hasLeft);
    let inputs = 0;
    for (const member of staying) {
      member.firstPlace = inputs;
      inputs += member.request.inputs.length;
    }
    const requests = staying.map(({ request }) => request);
    const keys = requests.flatMap(({ planner }) => ofPlaces(planner.plan(), planner.keys));
    const [first] = requests as [EmbedRequest<Input>];
    return this.#pipeline.run({
      ...first,
      inputs: requests.flatMap((request) => request.inputs),
      planner: plannerOfKeys(keys),
      signal,
      // The vectors are several calls', of which each ends by itself.
      memory: undefined,
      wantsTokens: requests.some(({ wantsTokens }) => wantsTokens),
      onFound: (found) => {
        for (const { request, hasLeft } of staying) if (!hasLeft) request.onFound?.(found);
      },
    });
  }
}

/** What of `all` is for a call, by its own distinct keys. */
function partOf<Input>(
  { plan, vectors, tokens, left }: Found,
  { request, firstPlace }: Member<Input>,
): { found: Found; keyOf: (k: number) => number } {
  const own = request.planner.plan();
  const keyOf = (k: number) => plan.keyOfPlace[firstPlace + (own.firstPlaces[k] as number)] as number;
  const pick = <T>(list: readonly T[]) => own.keys.map((_, k) => list[keyOf(k)] as T);
  return { found: { plan: own, vectors: pick(vectors), tokens: pick(tokens), left }, keyOf };
}
