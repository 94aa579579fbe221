import type { UploadAnswer } from '../wire.js';
import { byId, make } from './dom.js';
import { acceptDrops } from './images-form.js';
import { KnownTexts } from './known-texts.js';
import { badge, Outcome, type Parcel } from './outcome.js';

/** Characters of a text that its row shows. */
const SHOWN = 200;

/** Returns what clears the form's outcome. */
export function startTexts(): () => void {
  const outcome = new Outcome('texts', byId('texts-outcome'));
  const lines = byId<HTMLTextAreaElement>('lines');
  const known = new KnownTexts();
  let page = 0;

  const parcelOf = (texts: string[]): Parcel => ({
    count: texts.length,
    body: { texts },
    show(answer) {
      known.add(texts, answer.vectors ?? []);
      return textsList(texts, answer, known);
    },
  });
  const upload = (texts: string[]) => outcome.run(async () => parcelOf(texts));
  const sample = () =>
    outcome.run(async () => {
      const answer = await fetch(`/api/samples/texts?page=${page}`).catch(() => undefined);
      if (!answer?.ok) throw new Error('the server cannot be reached');
      return parcelOf(((await answer.json()) as { texts: string[] }).texts);
    });

  byId('texts').addEventListener('submit', (event) => {
    event.preventDefault();
    void upload(lines.value.split('\n').filter((line) => line.trim() !== ''));
  });
  byId('sample-texts').addEventListener('click', () => void sample());
  byId('next-texts').addEventListener('click', () => {
    page += 1;
    void sample();
  });
  acceptDrops(lines, async (files) => {
    lines.value = (await Promise.all(files.map((file) => file.text()))).join('\n');
  });
  return () => {
    outcome.clear();
    known.clear();
    page = 0;
  };
}

/** Each text, whether it was a hit, and which other one is nearest to it. */
function textsList(texts: readonly string[], { items }: UploadAnswer, known: KnownTexts): HTMLElement {
  const rows = items.map((item, i) => {
    const text = texts[i] as string;
    const near = known.nearestTo(text);
    return make(
      'li',
      {},
      make('span', { className: 'name' }, shortened(text)),
      badge(item),
      ...(near
        ? [make('span', { className: 'near note' }, `nearest: ${shortened(near.text)} (${near.similarity.toFixed(2)})`)]
        : []),
    );
  });
  return make('ul', { className: 'items' }, ...rows);
}

function shortened(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
}
