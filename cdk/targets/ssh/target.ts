import type { IConnectable } from 'aws-cdk-lib/aws-ec2';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { TargetOf } from '#core/protocols/protocols.ts';
import { inSid, mayReadSecret } from '../../secret-access.ts';
import {
  declaredTarget,
  openWay,
  refused,
  refuseOtherAddress,
  refuseOtherSecret,
  type TargetWiring,
} from '../wiring.ts';

/** Where the server is, as custody.yaml says too: that is what the proxy dials, and what reviewers see. */
export interface SshTarget {
  readonly host: string;
  readonly port: number;
  /** The server's own security group, or an instance; whoever runs it opens its port when it is not given. */
  readonly connections?: IConnectable;
  /** What the gateway logs in with, by the login of custody.yaml. None for a login with `certificate: true`. */
  readonly secrets?: Readonly<Record<string, ISecret>>;
}

/** Opens the way from the tasks to the server, and lets them read the secrets of its logins. Throws `config-invalid`. */
export function wireSshTarget(name: string, target: SshTarget, wiring: TargetWiring): void {
  const { config, role } = wiring;
  const declared = declaredTarget(name, 'ssh', 'addSshTarget', config);
  refuseOtherAddress(name, target, declared.address);
  const { secrets = {} } = target;
  refuseOtherLogins(name, secrets, declared);
  openWay(target.connections, declared.address, wiring);
  for (const [i, login] of Object.keys(secrets).toSorted().entries())
    for (const statement of mayReadSecret(`Target${inSid(name)}Login${i}`, secrets[login]!))
      role.addToPrincipalPolicy(statement);
}

/** The secret that custody.yaml names for a login: of a key, or of a password. */
export function secretOfLogin({ logins }: TargetOf<'ssh'>, login: string): string | undefined {
  const { keySecret, secret } = logins[login] ?? {};
  return keySecret ?? secret;
}

/** Throws `config-invalid` for a login whose key or password is in a file: tasks have no files of anybody's. */
export function refuseFiles({ name, logins }: TargetOf<'ssh'>): void {
  for (const [login, { keyFile, passwordFile }] of Object.entries(logins)) {
    if (keyFile === undefined && passwordFile === undefined) continue;
    const found = keyFile === undefined ? 'passwordFile' : 'keyFile';
    throw refused(
      name,
      `found ${found} for the login ${login}, expected keySecret, secret, or certificate: true`,
      {
        hint: 'tasks have no files of yours: put it into Secrets Manager, or let the target believe the CA for targets',
      },
    );
  }
}

function refuseOtherLogins(
  name: string,
  secrets: Readonly<Record<string, ISecret>>,
  declared: TargetOf<'ssh'>,
): void {
  refuseFiles(declared);
  for (const login of new Set([...Object.keys(declared.logins), ...Object.keys(secrets)])) {
    const [secret, expected] = [secrets[login], secretOfLogin(declared, login)];
    if (declared.logins[login] === undefined)
      throw refused(name, `found a secret for the login ${login}, which custody.yaml does not have`, {
        hint: `add it under targets.${name}.logins, or correct its name in addSshTarget`,
      });
    if (secret !== undefined && expected !== undefined) refuseOtherSecret(name, secret, expected);
    else if (secret !== undefined || expected !== undefined)
      throw refused(
        name,
        `found ${secret === undefined ? 'no secret' : 'a secret'} for the login ${login}, but custody.yaml says ${expected ?? 'certificate: true'}`,
        { hint: 'correct whichever is wrong' },
      );
  }
}
