import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitsFor } from '#proxy/descriptors.ts';

const MODULE = new URL('../../fargate-proxy/descriptors.ts', import.meta.url).href;

describe('how many may be here at once', () => {
  it.each([
    [300, 60, { sessions: 44, peers: 22, perAddress: 11 }],
    [1024, 60, { sessions: 225, peers: 112, perAddress: 56 }],
    [65_536, 60, { sessions: 21_137, peers: 1_000, perAddress: 100 }],
  ])('follows from a limit of %i with %i open', (limit, open, limits) => {
    expect(limitsFor(limit, open)).toEqual(limits);
  });

  it('never adds up to more than there are descriptors, whatever was asked for', () => {
    const asked = fc.record({
      sessions: fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined }),
      peers: fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined }),
      perAddress: fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined }),
    });
    const limit = fc.integer({ min: 200, max: 200_000 });
    fc.assert(
      fc.property(limit, fc.integer({ min: 20, max: 100 }), asked, (descriptors, open, wishes) => {
        const { sessions, peers, perAddress } = limitsFor(descriptors, open, wishes);
        expect(open + 64 + peers * 2 + sessions * 3).toBeLessThanOrEqual(descriptors);
        expect(Math.min(sessions, peers, perAddress)).toBeGreaterThanOrEqual(1);
        expect(perAddress).toBeLessThanOrEqual(peers);
      }),
    );
  });

  it('is too few for a gateway below some number, which the error names', () => {
    expect(() => limitsFor(150, 60)).toThrow(
      expect.objectContaining({
        code: 'config-invalid',
        message: 'a limit of 150 open files is too low for a gateway',
        hint: expect.stringContaining('raise it to 152 or more') as string,
      }),
    );
    expect(limitsFor(152, 60)).toEqual({ sessions: 4, peers: 8, perAddress: 4 });
  });

  it('rests on the limit as node has raised it: the hard one', () => {
    const script = `import { descriptorLimit, openDescriptors } from '${MODULE}';
      console.log(descriptorLimit(), openDescriptors())`;
    const node = `exec "${process.execPath}" --input-type=module --eval "$0"`;
    const said = execFileSync('bash', ['-c', `ulimit -Sn 250; ulimit -Hn 700; ${node}`, script], {
      encoding: 'utf8',
    });
    const [limit, open] = said.split(' ').map(Number);
    expect(limit).toBe(700);
    expect(open).toBeGreaterThan(10);
    expect(open).toBeLessThan(60);
  });
});
