import { CustodyError } from '../../errors.ts';
import type { Ending, Standing, StandingQuestion } from '../standing.ts';
import type { RevokedDevices } from './store.ts';

/**
 * Who shows a key that was revoked has to go, whoever they are and whatever the rules ask for: the device was lost, or its key may be in
 * other hands. It counts whether the connection proved the key or the token is bound to it.
 */
export function deviceStanding(devices: RevokedDevices): Standing {
  return {
    over: async (people) => {
      const keys = people.map(keysOf);
      const all = new Set(keys.flat());
      if (all.size === 0) return people.map(() => undefined);
      const revoked = await devices.revoked([...all]);
      return keys.map((own) => (own.some((key) => revoked.has(key)) ? REVOKED : undefined));
    },
  };
}

function keysOf({ proved, device }: StandingQuestion): readonly string[] {
  return [proved, device].flatMap((one) => (one === undefined ? [] : [one.key]));
}

const REVOKED: Ending = {
  reason: 'revoked',
  error: new CustodyError('access-revoked', 'the key of this device was revoked', {
    hint: 'register a new one: custody devices register --new',
  }),
};
