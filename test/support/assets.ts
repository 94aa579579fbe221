import { createHash } from 'node:crypto';

/** A value of a kind that shares much with all the others: what a dictionary is for. */
export interface Asset {
  id: string;
  fileName: string;
  mimeType: string;
  owner: { id: string; plan: string };
  tags: string[];
}

/** The asset of a number. */
export function assetOf(number: number): Asset {
  const hash = createHash('sha256').update(`asset ${number}`).digest();
  const pick = (at: number, ...choices: string[]) => choices[(hash[at] as number) % choices.length] as string;
  return {
    id: `asset_${hash.toString('hex', 0, 8)}`,
    fileName: `${pick(9, 'beach', 'city', 'forest')}-${hash[10]}.jpg`,
    mimeType: pick(11, 'image/jpeg', 'image/png', 'image/webp'),
    owner: { id: `user_${hash[12]}`, plan: pick(13, 'free', 'team') },
    tags: [pick(14, 'sunset', 'night'), pick(15, 'portrait', 'landscape', 'macro')],
  };
}

/** The assets of `count` numbers from `first` on. */
export function assets(first: number, count: number): Asset[] {
  return Array.from({ length: count }, (_, i) => assetOf(first + i));
}
