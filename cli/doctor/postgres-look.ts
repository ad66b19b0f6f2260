import { bad } from '../findings/finding.ts';
import { lookAtPostgres } from '../wire/postgres.ts';
import type { Look } from './listener.ts';
import { shownFindings, UNREACHED } from './shown.ts';

export const postgresLook: Look = async (about, { host, port, caPem }, now) => {
  const seen = await lookAtPostgres(host, port, caPem === undefined ? {} : { ca: caPem });
  switch (seen.step) {
    case 'reached':
      return [bad(about, seen.words, UNREACHED)];
    case 'offered': {
      const todo = 'what else has that port?';
      return [bad(about, `something listens, and is no gateway: ${seen.words}`, { ...UNREACHED, todo })];
    }
    case 'verified':
    case 'done':
      return shownFindings(about, host, seen, now);
  }
};
