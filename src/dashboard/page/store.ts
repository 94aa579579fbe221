import type { DashboardData } from '../wire.js';
import { byId, make, setText } from './dom.js';
import { bytes, clock, count, duration, percent } from './format.js';

const TIERS = { l1: 'In memory', queued: 'Being written', l2: 'In the store', missing: 'Not cached' } as const;

/**
 * Where keys were found, as a bar and in numbers. A cache over one backend knows hits and misses
 * only.
 */
export function showTiers({ tiers, namespaces }: DashboardData): void {
  const sum = (of: 'hits' | 'misses') => namespaces.reduce((total, figures) => total + figures[of], 0);
  const found = tiers ?? { l2: sum('hits'), missing: sum('misses') };
  const all = Object.values(found).reduce((total, keys) => total + keys, 0);
  const entries = Object.entries(found) as [keyof typeof TIERS, number][];
  byId('bar').replaceChildren(
    ...entries
      .filter(([, keys]) => keys > 0)
      .map(([tier, keys]) => {
        const piece = make('span', tier);
        piece.style.flex = `${keys / all} 0 3px`;
        return piece;
      }),
  );
  byId('tiers').replaceChildren(
    ...entries.map(([tier, keys]) =>
      make(
        'div',
        '',
        make('dt', '', make('span', `swatch ${tier}`), TIERS[tier]),
        make('dd', '', all ? `${count(keys)} (${percent(keys, all - keys)})` : '0'),
      ),
    ),
  );
}

export function showStore({ health, breakers, queue }: DashboardData): void {
  const { ok, latencyMs, detail, engine } = health;
  const facts: [string, string][] = [['Answers', ok ? `yes${latencyMs ? `, in ${duration(latencyMs)}` : ''}` : 'no']];
  if (detail) facts.push(['Detail', detail]);
  if (engine) facts.push(['Engine', engine]);
  for (const [what, open] of breakers) facts.push([`Circuit breaker, ${what}`, open ? 'open' : 'closed']);
  if (breakers.length === 0) facts.push(['Circuit breakers', 'none has opened']);
  if (queue) {
    facts.push([
      'Waiting to be written',
      `${count(queue.entries)} entries, ${bytes(queue.bytes)} of ${bytes(queue.limitBytes)}`,
    ]);
    facts.push(['Lost while waiting', count(queue.dropped)]);
  }
  byId('store').replaceChildren(...facts.flatMap(([name, value]) => [make('dt', '', name), make('dd', '', value)]));
}

export function showErrors({ failures }: DashboardData): void {
  byId('no-errors').hidden = failures.length > 0;
  byId('errors').replaceChildren(
    ...failures.map(({ at, namespace, operation, error, count: times }) =>
      make(
        'li',
        '',
        make('span', 'note', clock(at)),
        make(
          'div',
          '',
          make('strong', '', namespace === null ? operation : `${namespace}, ${operation}`),
          times > 1 ? ` ${count(times)} times` : '',
          make('p', '', error),
        ),
      ),
    ),
  );
}

export function showState({ health, breakers }: DashboardData): void {
  const open = breakers.filter(([, many]) => many > 0).map(([what]) => what);
  const isWell = health.ok && open.length === 0;
  setState(isWell ? 'Healthy' : health.ok ? 'Recovering' : 'Store does not answer', isWell);
  const reasons = [
    health.ok ? '' : `The store does not answer${health.detail ? `: ${health.detail}` : ''}.`,
    open.length > 0 ? `The circuit breaker for ${open.join(' and ')} is open: the store is not asked for now.` : '',
    isWell ? '' : 'The cache goes on: what it cannot read is computed.',
  ];
  setText(byId('banner'), reasons.filter(Boolean).join(' '));
}

export function setState(text: string, isGood: boolean): void {
  const state = byId('state');
  setText(state, text);
  state.dataset.tone = isGood ? 'good' : 'bad';
}
