/** `custody init certificate`: the gateway's certificate, made or renewed. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import { accountOf } from '../aws/account.ts';
import { askWith } from '../aws/ask.ts';
import { awsCli } from '../aws/aws-cli.ts';
import { type Cli, print } from '../cli.ts';
import { namesOfClusters } from '../preflight/eks.ts';
import { certificateFrom } from './certificate-source.ts';
import { writeFiles } from './files.ts';
import { certificateGiven, type Given } from './given.ts';
import { openInterview } from './interview.ts';
import { ownCa } from './own-ca.ts';
import { putCertificate } from './register.ts';
import { wantedSecrets } from './secrets-to-make.ts';
import { readDeployment } from './settings.ts';

export type CertificateGiven = Pick<Given, 'certificate' | 'key' | 'acm' | 'create' | 'profile' | 'force'>;

const CA_FILE = 'gateway-ca.pem';

/** Makes it, shows where it goes, and puts it there once that was agreed. */
export async function initCertificate(cli: Cli, given: CertificateGiven): Promise<void> {
  const { settings, config, folder } = readDeployment(process.cwd());
  const source = certificateGiven(given) ?? ({ kind: 'own' } as const);
  const aws = awsCli(process.env, { region: settings.region, profile: given.profile });
  const ask = askWith(aws);
  const account = await accountOf(ask);
  const now = new Date(cli.now());
  const names = [settings.gateway.hostname, ...namesOfClusters(config.targets)];
  const ca = source.kind === 'own' ? await ownCa(ask, now) : undefined;
  const made = await certificateFrom(source, { aws, names, now, ca });
  refuseOtherCa(folder, made.caPem, given.force === true);
  const what = `certificate and key of ${names.join(', ')}`;
  const [secret] = await wantedSecrets(ask, [{ name: settings.gateway.tlsSecret, what }]);
  using interview = openInterview(cli, false);
  const does = secret!.isThere ? 'Put a new certificate into' : 'Make';
  const agreed =
    given.create === true ||
    (await interview.agrees(`${does} the secret ${secret!.name} in account ${account}`));
  if (!agreed)
    throw new CustodyError('config-invalid', 'nothing was changed', { hint: 'say yes, or give --create' });
  await putCertificate(cli, aws, secret!, made);
  if (made.caPem !== undefined) writeFiles(folder, { [CA_FILE]: made.caPem });
  await print(cli, `${names.join(', ')}: new tasks show it. ${NEW_TASKS}`);
}

const NEW_TASKS =
  'Where some run: aws ecs update-service --force-new-deployment --cluster <cluster> --service <service>, or any deployment that changes them';

/** Every client that was given the file would have to be given another. */
function refuseOtherCa(folder: string, caPem: string | undefined, force: boolean): void {
  const file = join(folder, CA_FILE);
  if (caPem === undefined || force || !existsSync(file)) return;
  if (readFileSync(file, 'utf8').trim() === caPem.trim()) return;
  throw new CustodyError('config-invalid', `${file} is of another CA than the new certificate's`, {
    hint: 'clients that have the file refuse the new certificate: give --force to replace it, and hand it to them',
  });
}
