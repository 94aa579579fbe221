import type { DashboardData } from '../wire.js';
import { Chart } from './chart.js';
import { byId, setText } from './dom.js';
import { clock, duration, percent } from './format.js';
import { Namespaces } from './namespaces.js';
import { setState, showErrors, showState, showStore, showTiers } from './store.js';
import { showTiles } from './tiles.js';

/** Between readings, in milliseconds. */
const PAUSE = 2000;

const rates = new Chart(byId('rates'));
const times = new Chart(byId('times'));
const namespaces = new Namespaces();
let timer: ReturnType<typeof setTimeout> | undefined;

async function read(): Promise<void> {
  clearTimeout(timer);
  try {
    const answer = await fetch('?data');
    if (!answer.ok) throw new Error(`The server answered with status ${answer.status}`);
    show((await answer.json()) as DashboardData);
    delete document.body.dataset.stale;
  } catch (error) {
    document.body.dataset.stale = '';
    setState(
      error instanceof TypeError || error instanceof SyntaxError ? 'Connection lost' : (error as Error).message,
      false,
    );
  }
  // A page that nobody sees asks for nothing.
  if (!document.hidden) timer = setTimeout(() => void read(), PAUSE);
}

function show(data: DashboardData): void {
  const { title, since, history, actions } = data;
  setText(byId('title'), title);
  setText(byId('since'), `vecstash, this process since ${clock(since)}`);
  document.title = title;
  byId('reset').hidden = !actions;
  showState(data);
  showTiles(data);
  const at = history.map((bucket) => bucket.at);
  rates.show({
    times: at,
    lines: [
      { title: 'Hit rate', values: history.map(({ hits, misses }) => (hits + misses ? hits / (hits + misses) : null)) },
    ],
    top: 1,
    format: (value) => percent(value === null ? 0 : value, value === null ? 0 : 1 - value),
  });
  const slowest = Math.max(0.1, ...history.map(({ p95 }) => p95 ?? 0));
  times.show({
    times: at,
    lines: [
      { title: 'Median', values: history.map(({ p50 }) => p50) },
      { title: '95th percentile', values: history.map(({ p95 }) => p95) },
    ],
    top: slowest,
    format: (value) => (value === 0 ? '0' : duration(value)),
  });
  namespaces.show(data.namespaces, actions ? confirmClear : undefined);
  showTiers(data);
  showStore(data);
  showErrors(data);
}

async function act(query: string): Promise<void> {
  const answer = await fetch(`?${query}`, { method: 'POST', headers: { 'x-vecstash-dashboard': '1' } }).catch(
    () => undefined,
  );
  await read();
  if (answer?.ok) return;
  const body = (await answer?.json().catch(() => undefined)) as { error?: string } | undefined;
  setText(byId('banner'), `That did not work: ${body?.error ?? 'the server cannot be reached.'}`);
}

function confirmClear(name: string): void {
  const dialog = byId('confirm') as HTMLDialogElement;
  setText(byId('confirm-title'), `Clear ${name}?`);
  dialog.returnValue = 'no';
  dialog.onclose = () => {
    if (dialog.returnValue === 'yes') void act(`action=clear&namespace=${encodeURIComponent(name)}`);
  };
  dialog.showModal();
}

byId('reset').addEventListener('click', () => void act('action=reset'));
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void read();
});
void read();
