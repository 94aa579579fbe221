import { Buffer } from 'node:buffer';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createSealer } from '../../src/sealing/seal.js';
import { createXaes } from '../../src/sealing/xaes.js';

const test = suite('sealed records');
const secretOf = (name: string) => Buffer.from(name.padEnd(32, '.'));

// https://c2sp.org/XAES-256-GCM
for (const [byte, data, expected] of [
  [1, '', 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271'],
  [3, 'c2sp.org/XAES-256-GCM', '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d'],
] as const) {
  test(`XAES-256-GCM gives what its specification says for a key of ${byte}s`, () => {
    const xaes = createXaes(new Uint8Array(32).fill(byte));
    const nonce = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX');
    for (let again = 0; again < 2; again++) {
      const sealed = Buffer.concat(xaes.encrypt(nonce, Buffer.from('XAES-256-GCM'), Buffer.from(data)));
      assert.is(sealed.toString('hex'), expected);
      const [ciphertext, tag] = [sealed.subarray(0, -16), sealed.subarray(-16)];
      assert.is(xaes.decrypt(nonce, ciphertext, tag, Buffer.from(data))?.toString(), 'XAES-256-GCM');
      assert.is(xaes.decrypt(nonce, ciphertext, tag, Buffer.from(`${data}.`)), undefined);
    }
  });
}

test('any byte that changes, any other key and any other secret is refused', () => {
  const sealer = createSealer([secretOf('one')]);
  const inside = Buffer.from('what is inside');
  const sealed = sealer.seal('key', inside);
  assert.is(Buffer.from(sealer.open('key', sealed) ?? []).toString(), 'what is inside');
  for (let at = 0; at < sealed.length; at++) {
    const changed = sealed.slice();
    changed[at] = (changed[at] as number) ^ 1;
    assert.is(sealer.open('key', changed), undefined, `byte ${at}`);
  }
  for (let cut = 0; cut < sealed.length; cut++) assert.is(sealer.open('key', sealed.subarray(0, cut)), undefined);
  assert.is(sealer.open('other', sealed), undefined);
  assert.is(createSealer([secretOf('two')]).open('key', sealed), undefined);
  assert.is(
    Buffer.from(createSealer([secretOf('two'), secretOf('one')]).open('key', sealed) ?? []).toString(),
    'what is inside',
  );
});

test.run();
