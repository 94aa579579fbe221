/** Loads @langchain/core/embeddings. Throws what `require` throws. */
export default function load(): unknown;
