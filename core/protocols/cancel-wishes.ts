/**
 * Cancel requests that reach another task than the session's: behind a load balancer they come on a connection of their own.
 * A key is known by a hash (`hashOf` of its protocol): whoever reads these wishes can cancel nothing.
 */
export interface CancelWishes {
  /** This task holds the session with this key. When it returns, every task can pass a wish on. */
  issued(key: string): Promise<void>;
  /** The session is over. */
  revoked(key: string): Promise<void>;
  /** Passes a wish to the task that has issued the key; does nothing when none has. `from`: the client's address. */
  wish(key: string, from: string): Promise<void>;
  /** The wishes for this task's sessions; each is given once, and may be lost when the task dies with it. */
  taken(): Promise<readonly CancelWish[]>;
}

export interface CancelWish {
  readonly key: string;
  readonly from: string;
}
