import { CustodyError } from '#core/errors.ts';
import type { FetchTile } from '#core/ledger/tree.ts';
import type { Api } from '../../api/client.ts';
import { asProblem } from '../../api/problem.ts';

/** The ledger's tiles by the API, each once: what a tile's path names never changes. */
export function tilesOf(api: Api): FetchTile {
  const known = new Map<string, Promise<Uint8Array>>();
  return (path) => {
    const asked = known.get(path) ?? askTile(api, path);
    known.set(path, asked);
    asked.catch(() => known.delete(path));
    return asked;
  };
}

async function askTile(api: Api, path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await (await api.fetch(`/v1/ledger/${path}`)).arrayBuffer());
  } catch (thrown) {
    const { code, message } = asProblem(thrown);
    throw new CustodyError(code === 'access-denied' ? code : 'not-found', `${path}: ${message}`);
  }
}
