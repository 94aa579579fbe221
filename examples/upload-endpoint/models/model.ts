import type { EmbedFunction, Model } from 'vecstash';

/** What makes the vectors of one kind of input. */
export interface ExampleModel<Input> {
  identity: Model;
  dimensions: number;
  /** For people: what it is, and what it is not. */
  name: string;
  /** The same for one input, where it is not the same for all. */
  madeBy(input: Input): string;
  embed: EmbedFunction<Input>;
}
