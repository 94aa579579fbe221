// The tests of withEmbeddingCache with the SDK in the folder that SDK_FOLDER names.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { openaiSuite, type Sdk } from './openai-suite.js';

const folder = process.env.SDK_FOLDER ?? '';
const require = createRequire(join(folder, 'package.json'));
openaiSuite(`openai ${require('./package.json').version}`, require('./index.js') as Sdk);
