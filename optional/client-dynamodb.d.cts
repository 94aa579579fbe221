/** Loads @aws-sdk/client-dynamodb. Throws what `require` throws. */
declare function load(): unknown;
export = load;
