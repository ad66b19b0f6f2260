/** What is kept in this tab while the person is at the identity provider: no token. */

export interface Pending {
  readonly issuer: string;
  readonly clientId: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** Where in the console they were. */
  readonly back: string;
}

/** Where the identity provider sends the person back to: registered there. */
export const CALLBACK = '/callback';

export interface Kept {
  getItem(name: string): string | null;
  setItem(name: string, text: string): void;
  removeItem(name: string): void;
}

const NAME = 'custody-pending';
const PARTS = ['issuer', 'clientId', 'state', 'nonce', 'verifier', 'back'] as const;

export function keepPending(storage: Kept, pending: Pending): void {
  storage.setItem(NAME, JSON.stringify(pending));
}

/** Only once: a code that comes back a second time finds nothing. */
export function takePending(storage: Kept): Pending | undefined {
  const text = storage.getItem(NAME);
  storage.removeItem(NAME);
  if (text === null) return undefined;
  const found = JSON.parse(text) as Readonly<Record<string, unknown>>;
  return PARTS.every((part) => typeof found[part] === 'string') ? (found as unknown as Pending) : undefined;
}

/** A path of the console, whatever was asked for: never another origin (`//evil`, `/\evil`), nor the way in itself. */
export function pathWithin(origin: string, wanted: string): string {
  const url = wanted.startsWith('/') ? URL.parse(wanted, origin) : null;
  if (url === null || url.origin !== origin || url.pathname.startsWith('//')) return '/';
  return url.pathname === CALLBACK ? '/' : url.pathname + url.search;
}
