/** What a look at a deployment came to. */
export interface Finding {
  /** What was looked at, such as `gateway.tlsSecret custody/gateway-certificate`. */
  readonly about: string;
  /** `unknown`: it could not be looked at from here. */
  readonly result: 'good' | 'warning' | 'bad' | 'unknown';
  readonly what: string;
  readonly why?: string;
  readonly todo?: string;
}

/** Why it matters, and what to do. */
type Words = Pick<Finding, 'why' | 'todo'>;

export const good = (about: string, what: string): Finding => ({ about, result: 'good', what });
export const bad = (about: string, what: string, words: Words = {}): Finding => ({
  ...{ about, result: 'bad', what },
  ...words,
});
export const warning = (about: string, what: string, words: Words = {}): Finding => ({
  ...{ about, result: 'warning', what },
  ...words,
});
export const unknown = (about: string, what: string, words: Words = {}): Finding => ({
  ...{ about, result: 'unknown', what },
  ...words,
});

/** A look; several go on at once. Rejects only where it was made wrongly. */
export type Check = () => Promise<readonly Finding[]>;
