import type { Log } from './log.ts';

/** So many lines of a kind in a window; the others are counted, and told together at its end. */
interface Patience {
  readonly lines: number;
  readonly windowMs: number;
}

/** Peers that nobody knows: of each reason a few, with their addresses. */
const STRANGERS: Patience = { lines: 10, windowMs: 10_000 };
/** Of each person and address. */
const KNOWN: Patience = { lines: 20, windowMs: 60_000 };
/** Kinds that are told apart; beyond them, all others are one. */
const KINDS_MAX = 1_000;
/** Addresses that are told apart in one window. */
const ADDRESSES_MAX = 10_000;

export interface CalmOptions {
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  /** Calls `work` after `ms`. */
  readonly later: (ms: number, work: () => void) => void;
}

type Facts = Readonly<Record<string, unknown>>;

/**
 * A log that a flood cannot fill: who knocks without being let in costs a bounded number of lines, and how many there were is
 * said all the same (security case 16). Everything else passes.
 */
export function calmLog(log: Log, options: CalmOptions): Log {
  const windows = new Windows(log, options);
  return (event, error, facts = {}) => {
    const kind = kindOf(event, error?.code, facts);
    if (kind === undefined || windows.allows(kind, event, error?.code, facts)) log(event, error, facts);
  };
}

interface Kind {
  readonly key: string;
  readonly patience: Patience;
}

function kindOf(event: string, code: string | undefined, facts: Facts): Kind | undefined {
  if (event === 'peer-left' || event === 'peer-refused')
    return { key: `${event} ${code}`, patience: STRANGERS };
  if (event === 'refused') return { key: JSON.stringify([facts['who'], addressOf(facts)]), patience: KNOWN };
  return undefined;
}

class Windows {
  readonly #log: Log;
  readonly #options: CalmOptions;
  readonly #open = new Map<string, Window>();

  constructor(log: Log, options: CalmOptions) {
    this.#log = log;
    this.#options = options;
  }

  /** Whether the line is for the log; if not, it is counted. */
  allows({ key, patience }: Kind, event: string, code: string | undefined, facts: Facts): boolean {
    const name = this.#open.has(key) || this.#open.size < KINDS_MAX ? key : event;
    const window = this.#open.get(name) ?? this.#begin(name, event, code, patience);
    if (window.lines > 0) {
      window.lines -= 1;
      return true;
    }
    window.more += 1;
    if (window.addresses.size < ADDRESSES_MAX) window.addresses.add(addressOf(facts));
    return false;
  }

  #begin(name: string, event: string, code: string | undefined, { lines, windowMs }: Patience): Window {
    const { now, later } = this.#options;
    const window = { event, code, lines, more: 0, since: now(), addresses: new Set<string>() };
    this.#open.set(name, window);
    later(windowMs, () => {
      this.#open.delete(name);
      this.#tell(window);
    });
    return window;
  }

  #tell({ event, code, more, since, addresses }: Window): void {
    if (more === 0) return;
    const seconds = Math.round((this.#options.now() - since) / 1000);
    const why = code === undefined ? {} : { code };
    const [example] = addresses;
    this.#log(`${event}-more`, undefined, { ...why, more, seconds, addresses: addresses.size, example });
  }
}

interface Window {
  readonly event: string;
  readonly code: string | undefined;
  /** That may still be written. */
  lines: number;
  /** That were not. */
  more: number;
  readonly since: number;
  readonly addresses: Set<string>;
}

/** Without the port. */
function addressOf({ client }: Facts): string {
  const text = typeof client === 'string' ? client : '';
  return text.slice(0, text.lastIndexOf(':'));
}
