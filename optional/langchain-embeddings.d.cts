/** Loads @langchain/core/embeddings. Throws what `require` throws. */
declare function load(): unknown;
export = load;
