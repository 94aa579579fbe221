// What the AI SDK's models of version 3 (AI SDK 6) and 4 (AI SDK 7) have in common.

export type ProviderOptions = Record<string, Record<string, unknown>>;

/** What `doEmbed` is given. */
export interface EmbedParams {
  values: string[];
  /** Since version 4. */
  dimensions?: number | undefined;
  abortSignal?: AbortSignal | undefined;
  providerOptions?: ProviderOptions | undefined;
  headers?: Record<string, string | undefined> | undefined;
}

/** What `doEmbed` answers. */
export interface EmbedAnswer {
  embeddings: number[][];
  usage?: { tokens: number } | undefined;
  providerMetadata?: ProviderOptions | undefined;
  response?: unknown;
  warnings?: unknown[] | undefined;
}

/** An `EmbeddingModelV3` or `EmbeddingModelV4`. */
export interface EmbeddingModel {
  readonly provider: string;
  readonly modelId: string;
  readonly maxEmbeddingsPerCall: PromiseLike<number | undefined> | number | undefined;
  readonly supportsParallelCalls: PromiseLike<boolean> | boolean;
  doEmbed(params: EmbedParams): PromiseLike<EmbedAnswer>;
}
