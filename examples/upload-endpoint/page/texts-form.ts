import { byId } from './dom.js';
import { acceptDrops } from './images-form.js';
import { Outcome } from './outcome.js';

export function startTexts(): void {
  const outcome = new Outcome('texts', byId('texts-outcome'));
  const lines = byId<HTMLTextAreaElement>('lines');
  let page = 0;

  const upload = (texts: readonly string[]) =>
    outcome.run(async () => ({ count: texts.length, body: { texts: [...texts] } }));
  const sample = () =>
    outcome.run(async () => {
      const answer = await fetch(`/api/samples/texts?page=${page}`).catch(() => undefined);
      if (!answer?.ok) throw new Error('the server cannot be reached');
      const { texts } = (await answer.json()) as { texts: string[] };
      return { count: texts.length, body: { texts } };
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
}
