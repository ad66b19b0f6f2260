/** One way to reach the same PostgreSQL, as a client and the bench see it. */
export interface Contender {
  readonly name: string;
  readonly port: number;
  readonly sslmode: 'disable' | 'require';
  readonly password: string;
  /** PGOPTIONS of the next client. */
  readonly options?: () => Promise<string>;
  /** The processes whose CPU and memory are its cost, those they started among them; empty for a direct connection. */
  readonly processes: () => readonly number[];
  /** After a run: resolves when nothing of it is left to do. */
  readonly settled?: () => Promise<void>;
  /** After that: lets go of connections to the server that it kept, so that nobody starts with a warm backend. */
  readonly letGo?: () => Promise<void>;
  /** More connections at a time it does not take. */
  readonly most?: number;
  /** What it says, in a file. */
  readonly log?: string;
  /** Where what it recorded lies. */
  readonly recordings?: string;
  /** What the gateway tells of its loops; see loop-events.ts. */
  readonly eventsFile?: string;
  /** What the gateway tells of its commits. */
  readonly commitsFile?: string;
}

/** How it is started. What is not chosen is not started. */
export interface Entrant {
  readonly name: string;
  readonly start: () => Promise<Contender>;
}
