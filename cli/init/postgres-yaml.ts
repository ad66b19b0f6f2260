import { flow } from './flow-text.ts';
import { DATABASE_USER, type PlannedTarget } from './plan.ts';

/** A database's entry under `targets` of custody.yaml. */
export function targetText({ name, host, port, database, login, engine }: PlannedTarget): string {
  const credential =
    'rdsIam' in login
      ? `rdsIam: true # a token of RDS, made anew for every session`
      : `secret: ${flow(login.secret)} # in Secrets Manager: the password`;
  return `  ${flow(name)}: # ${engine}
    protocol: postgres
    address: ${host}:${port}
    database: ${flow(database)}
    tls: { mode: verify-full, ca: rds } # the certificates of Amazon RDS
    credential: # the gateway's own; no client ever sees it
      user: ${DATABASE_USER}
      ${credential}
    recording:
      retention: { keep: 365d, lock: governance }
`;
}
