/** A cache before a model, as its documentation shows it, over Redis. */
export interface Peer {
  name: string;
  /** Asks the cache, and the model for what it lacks, in the order of the texts. */
  embed(texts: string[]): Promise<ArrayLike<number>[]>;
  close(): Promise<unknown>;
}

/** The model behind a peer. */
export type Model = (texts: string[]) => Promise<number[][]>;

/** Opens a peer on a server. */
export interface PeerKind {
  name: string;
  open(url: string, model: Model): Promise<Peer>;
}
