import { expect, it } from 'vitest';
import { RelayMemory } from '#proxy/wire/relay-memory.ts';

it('gives views of which slice is a copy: what was read stays as it was for whoever keeps it so', () => {
  const memory = new RelayMemory();
  memory.read.set([1, 2, 3]);
  const kept = [3, 5000].map((length) => memory.view(length).slice());
  memory.read.set([9, 9, 9]);
  for (const bytes of kept) expect([...bytes.subarray(0, 3)]).toEqual([1, 2, 3]);
});
