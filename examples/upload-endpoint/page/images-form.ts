import type { Item } from '../wire.js';
import { byId, make } from './dom.js';
import { badge, Outcome, type Parcel } from './outcome.js';
import { sampleImages } from './sample-images.js';

const SAMPLES = 10;

/** Returns what clears the form's outcome. */
export function startImages(): () => void {
  const outcome = new Outcome('images', byId('images-outcome'));
  const input = byId<HTMLInputElement>('files');
  const form = byId('images');
  let shown: string[] = [];

  const parcelOf = (files: readonly File[]): Parcel => {
    if (files.length === 0) throw new Error('no file was chosen');
    const body = new FormData();
    for (const file of files) body.append('files', file, file.name);
    for (const url of shown) URL.revokeObjectURL(url);
    shown = files.map((file) => URL.createObjectURL(file));
    const show: Parcel['show'] = ({ items }) =>
      make('ul', { className: 'thumbnails' }, ...items.map((item, i) => thumbnail(item, shown[i] as string)));
    return { count: files.length, body, show };
  };
  const upload = (files: readonly File[]) => outcome.run(async () => parcelOf(files));

  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    if (files.length === 0) return;
    void upload(files);
    // The same files may be chosen again: that is how hits are seen.
    input.value = '';
  });
  byId('sample-images').addEventListener('click', () => {
    void outcome.run(async () => parcelOf(await sampleImages(SAMPLES)));
  });
  acceptDrops(form, (files) => void upload(files));
  return () => outcome.clear();
}

function thumbnail(item: Item, picture: string): HTMLElement {
  return make('li', {}, make('img', { src: picture, alt: item.name, title: item.name }), badge(item));
}

/** Takes files that are dropped on an element, which shows that it would. */
export function acceptDrops(target: HTMLElement, take: (files: File[]) => void): void {
  let depth = 0;
  const mark = (change: number) => {
    depth = Math.max(0, depth + change);
    target.toggleAttribute('data-over', depth > 0);
  };
  const hasFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files') ?? false;
  target.addEventListener('dragenter', (event) => hasFiles(event) && mark(1));
  target.addEventListener('dragleave', (event) => hasFiles(event) && mark(-1));
  target.addEventListener('dragover', (event) => hasFiles(event) && event.preventDefault());
  target.addEventListener('drop', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(-depth);
    take([...(event.dataTransfer?.files ?? [])]);
  });
}
