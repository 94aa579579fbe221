import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { bytesOf, prf } from '../support/prf.js';

const DIMENSIONS = 96;
const KEYS = ['a', 'b', 'c'];

/** An entry of the package as a page has it, bundled as esbuild does without being told anything. */
async function bundled(entry: string): Promise<{ code: string; inputs: string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export * from '${entry}'`, resolveDir: import.meta.dirname, loader: 'js' },
    bundle: true,
    format: 'iife',
    globalName: 'vecstash',
    platform: 'browser',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  return { code: outputFiles[0]?.text as string, inputs: Object.keys(metafile.inputs) };
}

test('the codec runs in a page: no files, no Buffer, no process, and the same bytes', async () => {
  const { code, inputs } = await bundled('vecstash/codec');
  assert.ok(inputs.includes('dist/wasm-inline.mjs') && inputs.includes('shims/native-absent.cjs'), inputs.join(' '));
  const vectors = KEYS.map((key) => prf(key, DIMENSIONS));
  const { WebAssembly } = globalThis as unknown as { WebAssembly: object };
  const given = { WebAssembly, TextEncoder, TextDecoder, atob, vectors, KEYS, Float32Array, Uint8Array, Uint32Array };
  const page = createContext({ ...given, setTimeout, console: {} });
  const { engine, records, read } = runInContext(
    `${code}
    const codec = vecstash.createVectorCodec({ dimensions: ${DIMENSIONS} });
    const records = codec.encodeMany(KEYS, vectors);
    ({ engine: codec.engine, records, read: codec.decodeMany(KEYS, records) })`,
    page,
  );
  assert.is(engine, 'portable');
  const here = createVectorCodec({ dimensions: DIMENSIONS });
  // Arrays of the page are of another realm.
  const hex = (all: Uint8Array[]) => [...all].map((record) => Buffer.from(record).toString('hex'));
  assert.equal(hex(records), hex(here.encodeMany(KEYS, vectors)));
  assert.equal([...read].map(bytesOf), vectors.map(bytesOf));
});

test.run();
