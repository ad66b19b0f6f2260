import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** FORMAT.md: the verifier shares nothing with the writer but the definitions of the format. */
const recording = new URL('../../../../core/recording/', import.meta.url);
const shared = ['errors.ts', 'printable.ts', 'format.ts', 'layout.ts'];

test('the verifier imports nothing of the writer', () => {
  const own = readdirSync(new URL('verify/', recording)).map((name) => `verify/${name}`);
  const files = [...own, 'read.ts', 'vouched.ts', 'read-blocks.ts', 'block-decompressor.ts'];
  const allowed = new Set([...shared, ...files].map((name) => name.replace('verify/', '')));
  const imported = files.flatMap((name) => {
    const source = readFileSync(new URL(name, recording), 'utf8');
    return [...source.matchAll(/from '([^']+)'/g)].map((match) => match[1]!);
  });
  const foreign = imported.filter((path) => !allowed.has(path.replace(/^(\.{1,2}\/)+/, '')));
  expect([...new Set(foreign)].sort()).toEqual([
    // It opens proofs, and neither makes them nor writes the ledger.
    '../../ledger/session-proof.ts',
    // It opens results of tasks, and derives none.
    '../../tasks/proof/dsse.ts',
    '../../tasks/proof/statement.ts',
    'node:crypto',
    'node:zlib',
    'zod',
  ]);
});
