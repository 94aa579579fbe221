import type { MultipartFile } from '@fastify/multipart';
import type { FastifyError, FastifyRequest } from 'fastify';
import { digestOf } from '../models/digest.js';
import { IMAGE_TYPES, imageTypeOf } from '../models/image-type.js';
import { LIMITS, sizeOf } from './limits.js';
import { Refusal } from './refusal.js';

export interface UploadedImage {
  name: string;
  bytes: Uint8Array;
  digest: string;
}

/** A name is shown again, and is whatever somebody sends. */
const LONGEST_NAME = 100;

/** The files of a form, in their order. Refuses the first that is too large or no image at once, without reading on. */
export async function readImages(request: FastifyRequest): Promise<UploadedImage[]> {
  try {
    return await readAll(request);
  } catch (error) {
    // What the parser finds wrong has no status of its own.
    if (error instanceof Refusal || (error as FastifyError).statusCode !== undefined) throw error;
    throw new Refusal(400, 'broken_form', 'the form is broken or was cut off');
  }
}

async function readAll(request: FastifyRequest): Promise<UploadedImage[]> {
  const images: UploadedImage[] = [];
  let total = 0;
  for await (const file of request.files()) {
    const name = file.filename.slice(0, LONGEST_NAME) || `file ${images.length + 1}`;
    if (images.length === LIMITS.images) {
      throw new Refusal(413, 'too_many', `too many images: at most ${LIMITS.images} at once`, name);
    }
    const bytes = await readFile(file, name);
    total += bytes.length;
    if (total > LIMITS.imagesBodyBytes) throw tooLarge();
    images.push({ name, bytes, digest: digestOf(bytes) });
  }
  if (images.length === 0) throw new Refusal(400, 'empty', 'there is no file in it', 'files');
  return images;
}

/** All files together. */
export function tooLarge(): Refusal {
  const message = `too large: at most ${sizeOf(LIMITS.imagesBodyBytes)} at once, each image at most ${sizeOf(LIMITS.imageBytes)}`;
  return new Refusal(413, 'too_large', message, 'files');
}

async function readFile({ file }: MultipartFile, name: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of file as AsyncIterable<Buffer>) {
    // Its first bytes say what it is: what is no image is not read to its end.
    if (chunks.length === 0 && chunk.length >= 16) checkType(chunk, name);
    if (file.truncated) break;
    chunks.push(chunk);
  }
  if (file.truncated) {
    throw new Refusal(413, 'too_large', `${name} is larger than ${sizeOf(LIMITS.imageBytes)}`, name);
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length === 0) throw new Refusal(400, 'empty', `${name} is empty`, name);
  checkType(bytes, name);
  return bytes;
}

function checkType(bytes: Uint8Array, name: string): void {
  if (imageTypeOf(bytes) === undefined) {
    throw new Refusal(422, 'not_an_image', `${name} is not an image: expected ${IMAGE_TYPES}`, name);
  }
}
