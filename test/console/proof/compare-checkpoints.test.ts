import { describe, expect, test } from 'vitest';
import { type Checkpoint, signCheckpoint } from '#core/ledger/checkpoint.ts';
import { type FetchTile, grow, TileTree } from '#core/ledger/tree.ts';
import { memorySigner } from '#test/support/memory-ports.ts';
import { compareCheckpoints } from '../../../console/proof/ledger/compare-checkpoints.ts';
import { opinionOf } from '../../../console/proof/ledger/opinion.ts';

const ORIGIN = 'custody.example/ledger';

async function ledgerOf(
  size: number,
  first = 'leaf 0',
): Promise<{ checkpoint: Checkpoint; fetch: FetchTile }> {
  const entries = Array.from({ length: size }, (_, at) => Buffer.from(at === 0 ? first : `leaf ${at}`));
  const none: FetchTile = (path) => Promise.reject(new Error(`no ${path}`));
  const { root, tiles } = await grow(new TileTree(0, none), none, entries);
  return { checkpoint: { origin: ORIGIN, size, root }, fetch: async (path) => tiles.get(path) ?? none(path) };
}

describe('a checkpoint that was kept', async () => {
  const [kept, now] = [(await ledgerOf(300)).checkpoint, await ledgerOf(700)];

  test.each([
    ['of which the newest is', kept, { is: 'grown', by: 400 }],
    ['that is the newest', now.checkpoint, { is: 'same' }],
    ['of a ledger that was longer', (await ledgerOf(701)).checkpoint, { is: 'rolled-back', by: 1 }],
    ['of another past', (await ledgerOf(300, 'another')).checkpoint, { is: 'forked' }],
    ['of another past, as long', (await ledgerOf(700, 'another')).checkpoint, { is: 'forked' }],
  ])('%s', async (_what, checkpoint, expected) => {
    expect(await compareCheckpoints(checkpoint, now.checkpoint, now.fetch)).toEqual(expected);
  });

  test('is no fork because a tile cannot be had', async () => {
    const gone: FetchTile = () => Promise.reject(new Error('no network'));
    expect((await compareCheckpoints(kept, now.checkpoint, gone)).is).toBe('unknown');
  });

  test('counts only with the signature of the ledger’s own signer, under its own name', async () => {
    const [signer, other] = [memorySigner(), memorySigner()];
    const ports = { ledger: ORIGIN, signer: signer.der, ...now };
    const word = async (note: string) => (await opinionOf(note, ports)).word;
    expect(await word(await signCheckpoint(kept, signer))).toBe('grown');
    expect(await word(await signCheckpoint(kept, other))).toBe('refused');
    expect(await word(await signCheckpoint({ ...kept, origin: 'other.example/ledger' }, signer))).toBe(
      'refused',
    );
    expect(await word('no note at all')).toBe('refused');
  });
});
