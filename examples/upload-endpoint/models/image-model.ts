import sharp from 'sharp';
import { digestOf } from './digest.js';
import type { ExampleModel } from './model.js';
import { PIXEL_DIMENSIONS, pixelFeatures, SIDE } from './pixel-features.js';

/** How many pictures are decoded at once: each may take as much memory as its pixels. */
const AT_ONCE = 4;

/** Some images of a batch look like images and cannot be decoded. */
export class UndecodableError extends Error {
  /** SHA-256 of the bytes of each. */
  readonly digests: ReadonlySet<string>;

  constructor(digests: ReadonlySet<string>) {
    super(`${digests.size} images cannot be decoded`);
    this.digests = digests;
  }
}

/** Features of the pixels: nothing that knows what a picture shows. sharp decodes in threads of its own. */
export function pixelModel(mostPixels: number): ExampleModel<Uint8Array> {
  return {
    identity: { provider: 'example', id: 'pixels', revision: '1' },
    dimensions: PIXEL_DIMENSIONS,
    name: 'features of the pixels, no model',
    async embed(images, { signal }) {
      const vectors: Float32Array[] = [];
      const failed = new Set<string>();
      for (let at = 0; at < images.length; at += AT_ONCE) {
        signal.throwIfAborted();
        const some = images.slice(at, at + AT_ONCE);
        const decoded = await Promise.allSettled(some.map((image) => pixelsOf(image, mostPixels)));
        decoded.forEach((result, i) => {
          if (result.status === 'fulfilled') vectors.push(pixelFeatures(result.value));
          else failed.add(digestOf(some[i] as Uint8Array));
        });
      }
      if (failed.size > 0) throw new UndecodableError(failed);
      return vectors;
    },
  };
}

/** The first frame, upright, on white, as SIDE x SIDE pixels of red, green and blue. */
function pixelsOf(image: Uint8Array, mostPixels: number): Promise<Uint8Array> {
  return sharp(image, { limitInputPixels: mostPixels, failOn: 'error' })
    .rotate()
    .flatten({ background: '#fff' })
    .resize(SIDE, SIDE, { fit: 'fill' })
    .toColourspace('srgb')
    .raw()
    .toBuffer();
}
