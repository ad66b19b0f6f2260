import { expect, it } from 'vitest';
import { takeOverEnv } from '#cli/rerun/postgres/take-over.ts';

it('security case 8: psql of a rerun that was stopped goes to nothing else than its socket', () => {
  const env = { PATH: '/bin', PGHOSTADDR: '10.0.0.1', PGPORT: '6543', PGPASSWORD: 'x', PGSERVICE: 'live' };
  expect(takeOverEnv(env)).toEqual({ PATH: '/bin', PGPASSFILE: '/dev/null' });
});
