import type { EmbedFunction, Model } from 'vecstash';

/** What makes the vectors of one kind of input. */
export interface ExampleModel<Input> {
  identity: Model;
  dimensions: number;
  /** For people: what it is, and what it is not. */
  name: string;
  embed: EmbedFunction<Input>;
  /** Ends what runs for it. */
  close?(): Promise<void>;
}
