import type { FastifyInstance } from 'fastify';
import { LIMITS, sizeOf } from './limits.js';
import { Refusal } from './refusal.js';
import type { Desk } from './uploads.js';

/** POST /api/texts: { texts: string[] }; with ?vectors=base64 the answer holds the vectors. */
export function textsRoute(app: FastifyInstance, { service, uploads, models }: Desk): void {
  app.removeContentTypeParser('text/plain');
  app.post<{ Querystring: { vectors?: string } }>(
    '/api/texts',
    { bodyLimit: LIMITS.textsBodyBytes },
    async ({ body, query }) => {
      const texts = checkTexts(body);
      return uploads.answer({
        kind: 'texts',
        inputs: texts.map((text, i) => ({ name: `text ${i + 1}`, identity: text })),
        model: models.texts,
        withVectors: query.vectors === 'base64',
        embed: (onLookup) => service.embedTexts(texts, { onLookup }),
      });
    },
  );
}

function checkTexts(body: unknown): string[] {
  const texts = (body as { texts?: unknown } | null | undefined)?.texts;
  if (!Array.isArray(texts)) {
    throw new Refusal(400, 'bad_request', 'expected a JSON object with "texts", a list of strings', 'texts');
  }
  if (texts.length === 0) throw new Refusal(400, 'empty', 'there is no text in it', 'texts');
  if (texts.length > LIMITS.texts) {
    const message = `${texts.length} texts are too many: at most ${LIMITS.texts} at once`;
    throw new Refusal(413, 'too_many', message, 'texts');
  }
  for (const [i, text] of texts.entries()) checkText(text, `texts[${i}]`);
  return texts;
}

function checkText(text: unknown, field: string): void {
  if (typeof text !== 'string') throw new Refusal(400, 'bad_request', `${field} is not a string`, field);
  if (text.trim() === '') throw new Refusal(400, 'empty', `${field} is empty`, field);
  if (Buffer.byteLength(text) > LIMITS.textBytes) {
    throw new Refusal(413, 'too_large', `${field} is longer than ${sizeOf(LIMITS.textBytes)}`, field);
  }
}
