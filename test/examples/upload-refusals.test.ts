import { once } from 'node:events';
import { connect } from 'node:net';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ErrorAnswer } from '../../examples/upload-endpoint/wire.js';
import { until } from '../../src/testing/until.js';
import {
  type Answered,
  type Payload,
  picture,
  post,
  postImages,
  postTexts,
  withEndpoint,
} from '../support/upload-client.js';

const MiB = 2 ** 20;

test('a reason, a status and a code, and the server goes on', async () => {
  const json = { 'content-type': 'application/json' };
  const form = { 'content-type': 'multipart/form-data; boundary=x' };
  const png = await picture(1);
  const large = Buffer.concat([png, Buffer.alloc(8 * MiB)]);
  const bomb = await sharp({ create: { width: 9000, height: 5000, channels: 3, background: '#000' } })
    .png()
    .toBuffer();
  const many = Array.from({ length: 51 }, (_, i): [string, Buffer] => [`${i}.png`, png]);
  const text = 'secret words ';
  await withEndpoint(async (endpoint) => {
    const texts = (value: unknown) => postTexts<ErrorAnswer>(endpoint, value);
    const images = (...files: [string, Uint8Array][]) => postImages<ErrorAnswer>(endpoint, files);
    const raw = (path: string, headers: Record<string, string>, body: Payload) =>
      post<ErrorAnswer>(endpoint, path, { headers, body });
    const cases: [string, () => Promise<Answered<ErrorAnswer>>, number, string, string?][] = [
      ['nothing at all', () => raw('/api/texts', json, ''), 400, 'empty'],
      ['broken JSON', () => raw('/api/texts', json, '{"texts": ["a"'), 400, 'broken_json'],
      ['null', () => raw('/api/texts', json, 'null'), 400, 'bad_request', 'texts'],
      ['no list', () => texts('a'), 400, 'bad_request', 'texts'],
      ['an empty list', () => texts([]), 400, 'empty', 'texts'],
      ['a number', () => texts(['a', 1]), 400, 'bad_request', 'texts[1]'],
      ['a blank text', () => texts(['a', 'b', ' \n']), 400, 'empty', 'texts[2]'],
      ['10,000 texts', () => texts(Array(10_000).fill('a')), 413, 'too_many', 'texts'],
      ['a long text', () => texts([text.repeat(3000)]), 413, 'too_large', 'texts[0]'],
      ['a large body', () => texts(Array(1000).fill('x'.repeat(9000))), 413, 'too_large'],
      ['plain text', () => raw('/api/texts', { 'content-type': 'text/plain' }, 'a'), 415, 'wrong_type'],
      ['a form of texts', () => raw('/api/texts', form, '--x--\r\n'), 415, 'wrong_type'],
      ['JSON of images', () => raw('/api/images', json, '{}'), 415, 'wrong_type'],
      ['no type', () => raw('/api/images', { 'content-type': '' }, new Uint8Array(3)), 415, 'wrong_type'],
      ['an empty form', () => raw('/api/images', form, '--x--\r\n'), 400, 'empty', 'files'],
      ['no boundary', () => raw('/api/images', { 'content-type': 'multipart/form-data' }, 'a'), 400, 'broken_form'],
      ['a form cut off', () => raw('/api/images', form, '--x\r\ncontent-dispo'), 400, 'broken_form'],
      ['an empty file', () => images(['a.png', png], ['empty.png', Buffer.alloc(0)]), 400, 'empty', 'empty.png'],
      ['a text', () => images(['a.png', png], ['notes.png', Buffer.from(text)]), 422, 'not_an_image', 'notes.png'],
      [
        'an SVG',
        () => images(['a.svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')]),
        422,
        'not_an_image',
      ],
      ['a large image', () => images(['large.png', large]), 413, 'too_large', 'large.png'],
      ['45 megapixels', () => images(['bomb.png', bomb]), 422, 'not_decodable', 'bomb.png'],
      ['51 images', () => images(...many), 413, 'too_many', '50.png'],
      ['no such route', () => raw('/api/nothing', json, '{}'), 404, 'not_found'],
    ];
    for (const [what, answer, status, code, field] of cases) {
      const { status: was, body } = await answer().catch((error) => {
        throw new Error(`${what}: ${error} ${error.cause}`);
      });
      assert.is(was, status, `${what}: ${JSON.stringify(body)}`);
      assert.is(body.error.code, code, what);
      if (field !== undefined) assert.is(body.error.field, field, what);
      assert.type(body.error.message, 'string');
      assert.not.match(JSON.stringify(body), 'secret');
    }
    assert.is((await postTexts(endpoint, ['still here'])).status, 200);
    assert.is((await postImages(endpoint, [['a.png', png]])).status, 200);
  });
});

/** Posts `head` and 100 MB of zeros, with a content-length or in chunks, and returns the answer. All of it is sent, whatever comes. */
async function post100MB(url: string, path: string, type: string, head: Buffer, isChunked: boolean): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  await once(socket, 'connect');
  const block = Buffer.alloc(MiB);
  const send = async (bytes: Buffer) => {
    const part = isChunked
      ? Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
      : bytes;
    if (!socket.write(part)) await once(socket, 'drain');
  };
  const length = isChunked ? 'transfer-encoding: chunked' : `content-length: ${head.length + 100 * MiB}`;
  socket.write(`POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\n${length}\r\n\r\n`);
  await send(head);
  for (let i = 0; i < 100; i++) await send(block);
  if (isChunked) socket.write('0\r\n\r\n');
  await until('an answer', () => answer.endsWith('}'));
  socket.destroy();
  return answer;
}

const FORM = 'multipart/form-data; boundary=x';
const FILE = '--x\r\ncontent-disposition: form-data; name="files"; filename="a.png"\r\n\r\n';

test('100 MB: the 413 is received, with a length or in chunks, by fetch and by a client that sends all of it', async () => {
  const image = Buffer.concat([Buffer.from(FILE), await picture(1)]);
  await withEndpoint(async (endpoint) => {
    for (const isChunked of [false, true]) {
      const form = await post100MB(endpoint.url, '/api/images', FORM, image, isChunked);
      assert.match(form, /^HTTP\/1\.1 413 .*too_large/s);
      const json = await post100MB(endpoint.url, '/api/texts', 'application/json', Buffer.from('["'), isChunked);
      assert.match(json, /^HTTP\/1\.1 413 .*too_large/s);
    }
    const { status, body } = await postImages<ErrorAnswer>(endpoint, [['large.png', Buffer.alloc(100 * MiB)]]);
    assert.equal([status, body.error.code], [413, 'too_large']);
    const long = await postTexts<ErrorAnswer>(endpoint, ['x'.repeat(100 * MiB)]);
    assert.equal([long.status, long.body.error.code], [413, 'too_large']);
    assert.is((await postTexts(endpoint, ['still here'])).status, 200);
  });
});

test('what is too large is refused before it is sent: by its length at once, else when a file passes its limit', async () => {
  const png = await picture(1);
  await withEndpoint(async ({ url }) => {
    // Says what a client that stops sending, and does not end, is answered.
    const answerTo = (head: string, body: Buffer): Promise<string> =>
      new Promise((resolve, reject) => {
        const { hostname, port } = new URL(url);
        const socket = connect(Number(port), hostname, () => {
          socket.write(`POST /api/images HTTP/1.1\r\nhost: a\r\n${head}\r\n\r\n`);
          socket.write(body);
        });
        socket.once('data', (data) => {
          socket.destroy();
          resolve(data.toString());
        });
        socket.once('error', reject);
      });
    const type = `content-type: ${FORM}`;
    assert.match(await answerTo(`${type}\r\ncontent-length: ${100 * MiB}`, Buffer.from('--x')), /^HTTP\/1\.1 413 /);
    const chunked = `${type}\r\ntransfer-encoding: chunked`;
    const chunkOf = (size: number) => {
      const part = Buffer.concat([Buffer.from(FILE), png, Buffer.alloc(size), Buffer.from('\r\n')]);
      return Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]);
    };
    assert.match(await answerTo(chunked, chunkOf(8 * MiB)), /^HTTP\/1\.1 413 .*a\.png is larger/s);
    const eight = Buffer.concat(Array(8).fill(chunkOf(7.5 * MiB)));
    assert.match(await answerTo(chunked, eight), /^HTTP\/1\.1 413 .*at most 48 MiB at once/s);
  });
});

test.run();
