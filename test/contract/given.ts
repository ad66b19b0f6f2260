/** What a contract suite's `make` gives: adapters in the cloud need a moment to have something empty. */
export type Given<T> = T | Promise<T>;
