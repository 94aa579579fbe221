const text = (value: string) => [...Buffer.from(value, 'latin1')];

/** The first bytes of what is taken; null is any byte. */
const TYPES: Record<string, (number | null)[]> = {
  png: [0x89, ...text('PNG\r\n\x1a\n')],
  jpeg: [0xff, 0xd8, 0xff],
  webp: [...text('RIFF'), null, null, null, null, ...text('WEBP')],
  gif: text('GIF8'),
};

/** Told by the first bytes: a name and a content type say what somebody believes. */
export function imageTypeOf(bytes: Uint8Array): string | undefined {
  const [type] =
    Object.entries(TYPES).find(([, magic]) => magic.every((byte, i) => byte === null || byte === bytes[i])) ?? [];
  return type;
}

export const IMAGE_TYPES = Object.keys(TYPES).join(', ');
