/** Whom somebody believes at this gateway: their own word, kept in their browser, and changed by nobody else. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { isJsonObject } from '#core/json.ts';

export interface Pins {
  /** SHA-256 of the signer's SubjectPublicKeyInfo, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** The ledger's name. */
  readonly ledger: string;
  /** When they said so, ISO 8601. */
  readonly since: string;
}

/** A browser keeps it for the page's origin, which is the gateway's. */
const KEY = 'custody-pins';
type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export class PinStore {
  readonly #store: Store;
  readonly #pins;

  constructor(store: Store) {
    this.#store = store;
    this.#pins = signal(readPins(store.getItem(KEY)));
  }

  get pins(): ReadonlySignal<Pins | undefined> {
    return this.#pins;
  }

  pin(pins: Pins): void {
    this.#store.setItem(KEY, JSON.stringify(pins));
    this.#pins.value = pins;
  }

  forget(): void {
    this.#store.removeItem(KEY);
    this.#pins.value = undefined;
  }
}

/** What is no pin counts as none: then nothing is believed. */
function readPins(text: string | null): Pins | undefined {
  const value = parsed(text);
  if (!isJsonObject(value)) return undefined;
  const { fingerprint, ledger, since } = value;
  const isWhole = typeof ledger === 'string' && typeof since === 'string' && ledger !== '';
  return isWhole && typeof fingerprint === 'string' && /^[0-9a-f]{64}$/.test(fingerprint)
    ? { fingerprint, ledger, since }
    : undefined;
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}
