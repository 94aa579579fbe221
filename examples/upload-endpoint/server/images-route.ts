import multipart from '@fastify/multipart';
import type { FastifyInstance } from 'fastify';
import { EmbedError } from 'vecstash';
import { UndecodableError } from '../models/image-model.js';
import { LIMITS } from './limits.js';
import { readImages, tooLarge, type UploadedImage } from './read-images.js';
import { Refusal } from './refusal.js';
import type { Desk } from './uploads.js';

/** POST /api/images: a form with files. */
export async function imagesRoute(app: FastifyInstance, { service, uploads, models }: Desk): Promise<void> {
  // Nothing but forms: JSON and text are refused with 415.
  app.removeAllContentTypeParsers();
  await app.register(multipart, {
    limits: { fileSize: LIMITS.imageBytes, fieldSize: 1024 },
    throwFileSizeLimit: false,
  });
  app.addHook('onRequest', async ({ headers }) => {
    if (Number(headers['content-length']) > LIMITS.imagesBodyBytes) throw tooLarge();
  });
  app.post('/api/images', async (request) => {
    if (!request.isMultipart()) throw new Refusal(415, 'wrong_type', 'expected multipart/form-data with files');
    const images = await readImages(request);
    const bytes = images.map((image) => image.bytes);
    return uploads.answer({
      kind: 'images',
      inputs: images.map(({ name, digest }) => ({ name, identity: digest })),
      model: models.images,
      embed: (onLookup) => embedOrName(images, () => service.embedImages(bytes, { onLookup })),
    });
  });
}

/**
 * Embeds, and says which file cannot be decoded. Requests that ask for the same image at the same time share a call of the model:
 * where it was another's image that failed it, this one asks again.
 */
async function embedOrName(images: UploadedImage[], embed: () => Promise<Float32Array[]>): Promise<Float32Array[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await embed();
    } catch (error) {
      const cause = error instanceof EmbedError ? error.original : undefined;
      if (!(cause instanceof UndecodableError)) throw error;
      const bad = images.find(({ digest }) => cause.digests.has(digest));
      if (bad !== undefined) {
        const most = `${LIMITS.imagePixels / 1e6} megapixels`;
        const message = `${bad.name} cannot be decoded: it is damaged, or has more than ${most}`;
        throw new Refusal(422, 'not_decodable', message, bad.name);
      }
      if (attempt === 3) throw error;
    }
  }
}
