import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { MANIFEST_MAX_HEADS } from './format.ts';
import { manifestOf } from './manifest.ts';
import type { JournalEntry } from './ports.ts';
import { leafOf } from './trailer.ts';

/** Sessions that open later name another key, so that none vouches for many for long. */
const KEY_FOR_MS = 3_600_000;

/** Vouches for the tails of the sessions that name it: one signature for all of a commit. Its private half is in memory alone. */
export class JournalKey {
  /** SubjectPublicKeyInfo, DER, in base64: as open statements name it. */
  readonly publicKey: string;
  readonly #private: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.publicKey = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    this.#private = privateKey;
  }

  sign(manifest: Uint8Array): Buffer {
    return sign(null, manifest, this.#private);
  }
}

/** A task's journal keys, one after the other. An earlier one is gone when the last session that names it is. */
export class JournalKeys {
  #current: JournalKey | undefined;
  #sinceMs = 0;

  /** For a session that opens at `atMs`, of a monotonic clock. */
  for(atMs: number): JournalKey {
    if (this.#current === undefined || atMs - this.#sinceMs >= KEY_FOR_MS) {
      this.#current = new JournalKey();
      this.#sinceMs = atMs;
    }
    return this.#current;
  }
}

/** An entry that nobody vouches for yet; or the session key, where it ends its segment. */
export type DraftEntry = Omit<JournalEntry, 'voucher'> & {
  readonly voucher: { readonly signature: Uint8Array } | { readonly by: JournalKey };
};

/** The entries of one commit, those of a manifest behind each other. Each manifest takes one signature. */
export function vouchTogether(drafts: readonly DraftEntry[]): JournalEntry[] {
  const vouched: JournalEntry[] = [];
  const awaiting = new Map<JournalKey, DraftEntry[]>();
  for (const draft of drafts) {
    const { voucher } = draft;
    if ('signature' in voucher) {
      vouched.push({ ...draft, voucher });
      continue;
    }
    const together = awaiting.get(voucher.by);
    if (together === undefined) awaiting.set(voucher.by, [draft]);
    else together.push(draft);
  }
  for (const [key, together] of awaiting) {
    for (let first = 0; first < together.length; first += MANIFEST_MAX_HEADS)
      vouched.push(...underManifest(together.slice(first, first + MANIFEST_MAX_HEADS), key));
  }
  return vouched;
}

function underManifest(drafts: readonly DraftEntry[], key: JournalKey): JournalEntry[] {
  const manifest = manifestOf(drafts.map(({ head }) => leafOf(head)));
  const voucher = { manifest, signature: key.sign(manifest) };
  return drafts.map((draft) => ({ ...draft, voucher }));
}
