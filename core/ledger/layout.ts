/** The only place that names the ledger's objects. Keys are relative to the store's root. */

/** The origin of a laptop's ledger: its name, and that of the key that signs for it. */
export const LOCAL_ORIGIN = 'custody.local/ledger';

/** Tiles and bundles: `ledger/tile/…`, as C2SP tlog-tiles names them. */
export function tileKey(path: string): string {
  return `ledger/${path}`;
}

/** All tiles of one commit, before they go to their own places. */
export function stagingKey(size: number, root: Uint8Array): string {
  return `ledger/staging/${size}-${Buffer.from(root).toString('hex')}`;
}

/** Where an exported ledger has its newest checkpoint. */
export const CHECKPOINT = 'ledger/checkpoint';
