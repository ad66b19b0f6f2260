import { rootCertificates } from 'node:tls';
import { openPostgres } from '#adapters/postgres/executor.ts';
import { CustodyError } from '#core/errors.ts';
import type { OpenSession } from './task-runner.ts';

/** At a database, with what libpq's clients name run and task by. */
export const postgresSession: OpenSession = async (target, { run, task, trace, user, token }) => {
  const { name, host, port, database, caPem, connectSeconds } = target;
  if (database === undefined)
    throw new CustodyError('format-invalid', `the API does not say which database ${name} is`);
  const named = [`-c custody.run=${run}`, `-c custody.task=${task}`];
  return openPostgres({
    ...{ name, host, port, database, connectSeconds, user, password: token },
    options: [...named, ...(trace === undefined ? [] : [`-c custody.traceparent=${trace}`])].join(' '),
    ca: caPem ?? rootCertificates.join('\n'),
  });
};
