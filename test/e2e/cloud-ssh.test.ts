import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kmsCaKeys } from '#adapters/aws/ssh/cas.ts';
import { dynamoToldHostKeys } from '#adapters/aws/ssh/host-keys.ts';
import { formatKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { eventually } from '#test/support/clients.ts';
import { type Cloud, type CloudTask, startCloud } from '#test/support/cloud.ts';
import { hasDebianPostgres } from '#test/support/debian-postgres.ts';
import { hasMoto } from '#test/support/moto.ts';
import { type Ran, runProgram } from '#test/support/ssh-gateway.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';
import { freePort, type Sshd, startSshd } from '#test/support/sshd.ts';

/** Two tasks behind one name, with what the stack gives them: a listener for SSH, two CAs in KMS and an empty secret. */
describe.runIf(hasMoto() && hasDebianPostgres() && hasOpenSsh())('ssh through tasks on AWS adapters', () => {
  const folder = mkdtempSync(join(tmpdir(), 'custody-cloud-ssh-'));
  const ca = join(folder, 'target-ca.pub');
  let cloud: Cloud;
  let sshd: Sshd;
  let tasks: readonly { readonly port: number; readonly task: CloudTask }[];
  let told: readonly string[];

  beforeAll(async () => {
    cloud = await startCloud();
    const { clients } = cloud.moto;
    const [users, targets] = [await cloud.moto.signingKey(), await cloud.moto.signingKey()];
    const [authority] = await kmsCaKeys(clients.kms, targets);
    writeFileSync(ca, `${formatKeyLine(authority!.blob)}\n`);
    sshd = await startSshd(join(folder, 'sshd'), { lines: [`TrustedUserCAKeys ${ca}`] });
    const secret = async (Name: string, SecretString?: string): Promise<string> => {
      await clients.secrets.send(new CreateSecretCommand({ Name, ...(SecretString && { SecretString }) }));
      return Name;
    };
    await secret('web-key', readFileSync(sshd.keyFile, 'utf8'));
    const environment = cloud.environment as Record<string, string>;
    Object.assign(environment, {
      CUSTODY_SSH_USER_CA: users,
      CUSTODY_SSH_TARGET_CA: targets,
      CUSTODY_SSH_HOST_KEY_SECRET: await secret('host-key'),
    });
    await cloud.configure((await cloud.config()).replace(/^rules:/m, `${targetsOf(sshd)}rules:\n${RULE}`));
    const started = [0, 1].map(async () => {
      const port = await freePort();
      environment['CUSTODY_SSH_PORT'] = String(port);
      return { port, task: await cloud.task() };
    });
    tasks = await Promise.all(started);
    const place = { dynamo: clients.dynamo, table: environment['CUSTODY_TABLE_ACCESS']! };
    told = await dynamoToldHostKeys(place).told();
  });
  afterAll(async () => {
    await cloud?.stop();
    await sshd?.stop();
    rmSync(folder, { recursive: true });
  });

  /** With a token as the password, and a gateway whose key is the one that the API tells. */
  async function ssh(port: number, target: string, command: string): Promise<Ran> {
    const [known, askpass] = [join(folder, 'known_hosts'), join(folder, 'askpass')];
    writeFileSync(known, told.map((line) => `[127.0.0.1]:${port} ${line}\n`).join(''));
    writeFileSync(askpass, '#!/bin/sh\nprintf "%s\\n" "$CUSTODY_TEST_TOKEN"\n', { mode: 0o755 });
    const set = ['StrictHostKeyChecking=yes', 'PreferredAuthentications=password', 'IdentityAgent=none'];
    const flags = [`UserKnownHostsFile=${known}`, ...set].flatMap((one) => ['-o', one]);
    const env = { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
    const where = ['-p', String(port), '-l', `${sshd.login}+${target}`, '127.0.0.1', command];
    const token = { CUSTODY_TEST_TOKEN: await cloud.token('developer') };
    return runProgram('ssh', ['-F', 'none', ...flags, ...where], { env: { ...env, ...token } });
  }

  const newest = async (target: string): Promise<SessionRecord | undefined> => {
    const path = '/v1/sessions?limit=20';
    const { sessions } = await cloud.call<{ sessions: SessionRecord[] }>('auditor', 'GET', path);
    return sessions.find((session) => session.target === target && session.state !== 'open');
  };

  it('shows the same host key at every task: the one that the API tells', async () => {
    expect(told).toEqual([expect.stringMatching(/^ssh-ed25519 AAAA/)]);
    for (const { port } of tasks) {
      const { stdout, stderr, code } = await ssh(port, 'web', 'echo hello; exit 3');
      expect({ code, said: stdout.toString() }, stderr).toEqual({ code: 3, said: 'hello\n' });
    }
  }, 60_000);

  it('records it with the stores and the key of AWS, and it verifies', async () => {
    const session = await eventually('a session to end', () => newest('web'));
    expect(session).toMatchObject({ target: 'web', login: sshd.login, principal: { subject: 'dana' } });
    expect(await cloud.verify(session.id)).toMatchObject({ verdict: 'verified' });
  }, 60_000);

  it('logs in at the target with a certificate of the CA in KMS, and no secret', async () => {
    const { stdout, stderr, code } = await ssh(tasks[0]!.port, 'web-by-certificate', 'echo certified');
    expect({ code, said: stdout.toString() }, stderr).toEqual({ code: 0, said: 'certified\n' });
  }, 60_000);
});

const RULE =
  '  - { name: shells, groups: [developers], targets: [web, web-by-certificate], allow: [connect] }\n';

function targetsOf({ port, login, hostKey }: Sshd): string {
  const target = (name: string, credential: string): string => `  ${name}:
    protocol: ssh
    address: 127.0.0.1:${port}
    hostKeys: ['${hostKey}']
    logins: { ${login}: ${credential} }
`;
  return `${target('web', '{ keySecret: web-key }')}${target('web-by-certificate', '{ certificate: true }')}`;
}
