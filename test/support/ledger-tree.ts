/** A ledger in memory, grown step by step with core/ledger. */
import { CustodyError } from '#core/errors.ts';
import { type FetchTile, type Growth, grow, TileTree } from '#core/ledger/tree.ts';

export class MemoryTiles {
  readonly objects = new Map<string, Uint8Array>();
  /** Every path that was asked for. */
  readonly fetched: string[] = [];
  size = 0;

  readonly fetch: FetchTile = async (path) => {
    this.fetched.push(path);
    const bytes = this.objects.get(path);
    if (bytes === undefined) throw new CustodyError('not-found', `no ${path}`);
    return bytes;
  };

  tree(size = this.size): TileTree {
    return new TileTree(size, this.fetch);
  }

  async append(entries: readonly Uint8Array[]): Promise<Growth> {
    const growth = await grow(this.tree(), this.fetch, entries);
    for (const [path, bytes] of growth.tiles) this.objects.set(path, bytes);
    this.size = growth.size;
    return growth;
  }
}

export function numbered(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => Buffer.from(String(i)));
}
