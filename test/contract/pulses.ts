import { describe, expect, it } from 'vitest';
import type { Pulse, Pulses } from '#core/status/pulse.ts';
import type { Given } from './given.ts';

const T0 = Date.parse('2026-11-23T09:00:00.000Z');
const at = (seconds: number): Date => new Date(T0 + seconds * 1000);

function pulse(process: string, seconds: number, more: Partial<Pulse> = {}): Pulse {
  return { process, at: at(seconds), refused: [], ...more };
}

const byProcess = (a: Pulse, b: Pulse): number => (a.process < b.process ? -1 : 1);

/** The promises of Pulses, for every adapter. `make` gives as many views of one store as it is asked for. */
export function pulsesContract(name: string, make: () => Given<() => Pulses>): void {
  describe(`pulses contract: ${name}`, () => {
    it('gives back what a process said, whole, to everybody', async () => {
      const view = await make();
      const said = pulse('task-1', 10, {
        task: { version: '0.1.0', sessions: 3, journalLagMs: 17 },
        refused: [
          { from: at(0), door: 'gateway', code: 'token-invalid', issuer: 'people', count: 4 },
          { from: at(0), door: 'api', code: 'token-missing', count: 1 },
        ],
      });
      await view().tell(said);
      expect(await view().since(at(10))).toEqual([said]);
    });

    it('has what each process said last, and of nobody twice', async () => {
      const view = await make();
      await view().tell(pulse('a', 1));
      await view().tell(pulse('b', 2));
      await view().tell(pulse('a', 3));
      expect([...(await view().since(at(0)))].sort(byProcess)).toEqual([pulse('a', 3), pulse('b', 2)]);
    });

    it('leaves out who has said nothing since', async () => {
      const view = await make();
      await view().tell(pulse('a', 1));
      await view().tell(pulse('b', 2));
      expect(await view().since(at(2))).toEqual([pulse('b', 2)]);
      expect(await view().since(at(3))).toEqual([]);
    });
  });
}
