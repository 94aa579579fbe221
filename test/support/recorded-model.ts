import type { RecordedTexts } from '../../examples/quickstart/texts.js';
import type { ExampleModel } from '../../examples/upload-endpoint/models/model.js';
import { prf } from './prf.js';

/**
 * The recorded vectors play the model, so that a test knows each to the bit; of any other text its
 * PRF. It tells no tokens.
 */
export function recordedModel({ texts, vectorOf, model, dimensions }: RecordedTexts): ExampleModel<string> {
  const recorded = new Set(texts);
  return {
    identity: { provider: 'test', id: `${model}, recorded` },
    dimensions,
    name: `recorded vectors of ${model}`,
    embed: async (inputs) => inputs.map((text) => (recorded.has(text) ? vectorOf(text) : prf(text, dimensions))),
  };
}
