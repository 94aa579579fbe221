import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { xxh3 } from '../../src/codec/xxh3.js';

// Answers of the reference implementation (xxHash 0.8) for bytes (131 i + 17 floor(i / 8) + 7) mod 256 of each length, with
// the seeds 0, 0123456789abcdef and ffffffffffffffff. The lengths stand on both sides of every change of method.
const ANSWERS: [length: number, unseeded: string, seeded: string, full: string][] = [
  [0, '2d06800538d394c2', 'cc1ca35a1b089c5c', '4c093276ae47a555'],
  [1, '4c5cca45d0f4811f', '6dcb95d31de5966b', '36ce6de3f8ce2550'],
  [2, '29c60963cbfa4e6e', '567d5b9b9c8a52a7', '3c22fbf2e52c4222'],
  [3, '6e3e2670e61106ac', '911f06f10ddb4cd2', '4e704406273a2f10'],
  [4, '5c4c63133443d03f', 'ac127d990d6a1500', '7d3c976072267e11'],
  [7, '46a5c724d51fe43f', '1f0bc6ac217aeac0', 'd6dda6d227cb596b'],
  [8, 'f9fd4dd0b04d78f5', '9c622ca7116e701f', 'cdb415eadb92d8c2'],
  [9, '30513ed207b9c340', '0d26af48f4d135aa', '34f5acdc4c59fd05'],
  [12, 'e568104c8207bd19', '344fc01c8c3c6d49', '2254292713e02c9c'],
  [16, '8adf25212dbe075a', '643904b75ac86b4d', '3c79b6d1194d2c60'],
  [17, '2d1d4b10cfd7b927', 'f9bbe173c791c591', 'f8f56856a28f2343'],
  [31, '241e67f0821c8a45', '29c0af7198ea209b', 'f006c465aca754e5'],
  [32, 'ac60d61de7d98146', '312144443e047d1a', 'dc2ef3d0482cb813'],
  [33, 'fd0f77ca4ac4a812', 'a499bffbd91fced8', '4e34a81bb7f9bde8'],
  [64, '66a38e66471a80fc', 'bfca30d7439e9a2b', '01de678b7966b299'],
  [65, 'c3cb289b21908452', 'f12b7123892a1bb9', 'a7909388b1fbc734'],
  [96, '145aef8c101d196f', 'fedfe4b6b4fa5f21', '4442508ad4c0803d'],
  [97, '795d8870548dc4d7', '51f8709393847c35', '9501f1f6b42a729d'],
  [128, '2f1201c2c47daae3', 'efb5516e08f7b2b8', '6f0cc11d4472e796'],
  [129, 'ecbc59d789b2b1e4', '9c00f60e91495a48', '28dc4916cdc27aad'],
  [143, '3944044296f68f29', '38a76e5de27ce62f', 'b1c1f386c22f1545'],
  [144, 'cac311e356a1a307', '613fdde883532a38', 'daf75cafeac5606b'],
  [200, '45b4d55aae64f22b', '5ab27af21fe3d3fd', '12faae2cdc5c87c6'],
  [239, '4bb76579efb73ed2', '129f27d51fc0d5fe', 'e8b8da435e0e65ac'],
  [240, '3b20bc131daf9d46', 'c978fb60b070f642', '61581da0542dc1cb'],
  [241, 'b303ea29a5d81afb', 'a527b2b0c8eece7e', '8cbc0b73c575b9ac'],
  [256, 'e0b6e7fe648ba915', '469bbc19a6b98d4c', 'dfbbd2a94f2e4fe3'],
  [299, '071592b15041349e', 'eabb29b6ee37ef68', '314062934ac9c1bc'],
  [511, '63b0552aa6426a7e', 'c84c8ebde74c64d8', '625e99c4c887d112'],
  [1024, '59f4d7cbff58cffa', '0384338a048f8fdd', '194401d55dbdb2c3'],
  [1025, 'c7113800d3982ecc', 'a88dd7b39cb67bc7', '2699e1c8b5aeace6'],
  [1088, '459d30d49ca0689b', '3279eded36b3f446', 'c9b1b247cf2d5501'],
  [2563, '5f261ac394bf6c95', '92b79e719ac1becd', '7f8f14b8a26689ec'],
  [9999, 'f76cc01578cb13b3', 'b99003435c9ff29f', 'bd916f280d115fa6'],
];

const SEEDS = [
  [0, 0],
  [0x01234567, 0x89abcdef | 0],
  [-1, -1],
] as const;

for (const [length, ...answers] of ANSWERS) {
  test(`${length} bytes`, () => {
    // One byte in front: the input may lie anywhere.
    const bytes = Uint8Array.from({ length: length + 1 }, (_, k) => 131 * (k - 1) + 17 * ((k - 1) >> 3) + 7);
    const out = new Int32Array(2);
    SEEDS.forEach(([high, low], s) => {
      xxh3(new DataView(bytes.buffer), 1, length, high, low, out);
      assert.is(Array.from(out, (half) => (half >>> 0).toString(16).padStart(8, '0')).join(''), answers[s]);
    });
  });
}

test.run();
