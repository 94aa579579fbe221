import type { Alert, Condition } from './alert.js';

interface State {
  /** As it was when it was last met. */
  condition: Condition;
  metSince: number;
  /** Unset until it has been met for long enough. */
  startedAt?: string;
  toldAt: number;
}

/**
 * Turns what is wrong at each moment into what is to be told: once when it begins, at times while
 * it lasts, once when it is over.
 */
export class AlertStates {
  readonly #repeatMs: number;
  readonly #source: string | undefined;
  readonly #states = new Map<string, State>();

  /**
   * @param repeatMs after how long an alert that goes on is told again; Infinity is never
   * @param source stands before each text
   */
  constructor(repeatMs: number, source: string | undefined) {
    this.#repeatMs = repeatMs;
    this.#source = source;
  }

  /** Those that were told and are not over. */
  get firing(): Alert[] {
    return Array.from(this.#states.values()).flatMap((state) => (state.startedAt ? [this.#alertOf(state)] : []));
  }

  /** Takes each condition as it is now; returns what is to be told. */
  update(now: number, conditions: readonly Condition[]): Alert[] {
    return conditions.flatMap((condition) => this.#update(now, condition) ?? []);
  }

  #update(now: number, condition: Condition): Alert | undefined {
    const id = JSON.stringify([condition.name, condition.labels]);
    const known = this.#states.get(id);
    if (!condition.isMet) {
      this.#states.delete(id);
      return known?.startedAt === undefined ? undefined : this.#alertOf(known, new Date().toISOString());
    }
    const state: State = { metSince: now, toldAt: Number.NEGATIVE_INFINITY, ...known, condition };
    this.#states.set(id, state);
    if (now - state.metSince < condition.holdMs) return undefined;
    const isDue = state.startedAt === undefined || now - state.toldAt >= this.#repeatMs;
    if (!isDue) return undefined;
    state.startedAt ??= new Date().toISOString();
    state.toldAt = now;
    return this.#alertOf(state);
  }

  #alertOf({ condition, startedAt }: State, endedAt?: string): Alert {
    const { name, severity, labels, value, threshold, account } = condition;
    const state = endedAt === undefined ? 'firing' : 'resolved';
    const source = this.#source === undefined ? '' : `${this.#source}: `;
    return {
      name,
      state,
      severity,
      labels,
      value,
      threshold,
      startedAt: startedAt as string,
      ...(endedAt !== undefined && { endedAt }),
      text: `[${state}] ${name}: ${source}${account}`,
    };
  }
}
