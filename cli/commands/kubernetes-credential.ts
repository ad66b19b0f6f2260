import { Command } from 'commander';
import { asCustodyError } from '#core/errors.ts';
import { apiAddress } from '../api.ts';
import { claimsOf } from '../claims.ts';
import { type Cli, printJson, say } from '../cli.ts';
import { devicePems } from '../clients/device-certificate.ts';
import { mayConnect, type Wanted } from '../kubernetes/access.ts';
import { type Person, personAt } from '../kubernetes/asking-person.ts';
import { askedFor, credential } from '../kubernetes/exec-credential.ts';
import { isKnown, keepKnown } from '../kubernetes/known-access.ts';
import { checkSigner } from '../signer-pin.ts';
import { currentToken } from '../tokens.ts';

const NOTES = `
kubectl, helm and other clients run it by themselves (client.authentication.k8s.io); custody kubeconfig writes the files that say so.
At a terminal it logs in where no login is good any more, and asks for a reason where access has to be asked for.
CUSTODY_REASON and CUSTODY_TICKET are what it asks with; then it waits until the request is decided.`;

export function kubernetesCredentialCommand(cli: Cli): Command {
  return new Command('kubernetes-credential')
    .description('a credential for kubectl, as its exec plugin')
    .requiredOption('--target <name>', 'the cluster')
    .option('--run <id>', 'as a task of this run')
    .option('--task <name>', 'which of its tasks')
    .addHelpText('after', NOTES)
    .action((options: Wanted) => kubernetesCredential(cli, options));
}

async function kubernetesCredential(cli: Cli, options: Wanted): Promise<void> {
  const { version, interactive } = askedFor(cli.env['KUBERNETES_EXEC_INFO']);
  const person = interactive === false ? undefined : personAt(cli);
  const { CUSTODY_REASON: reason, CUSTODY_TICKET: ticket } = cli.env;
  const wanted = { ...options, ...(reason && { reason }), ...(ticket && { ticket }) };
  const token = await allowedToken(cli, wanted, person);
  const { expiresAt } = claimsOf(token);
  await printJson(cli, credential(version, { token, expiresAt, device: await devicePems(cli) }));
}

/** A person at a terminal is asked to log in, once, by whoever finds that no login is good: this machine, or the API. */
async function allowedToken(cli: Cli, wanted: Wanted, person: Person | undefined): Promise<string> {
  try {
    return await checkedToken(cli, wanted, person);
  } catch (error) {
    const { code, message } = asCustodyError(error);
    const isGiven = cli.env['CUSTODY_TOKEN'] || cli.env['CUSTODY_TOKEN_FILE'];
    if (person === undefined || isGiven || (code !== 'token-missing' && code !== 'token-invalid'))
      throw error;
    say(cli, `custody: ${message}`);
  }
  const { login } = await import('./login.ts');
  await login(cli, { browser: true });
  return checkedToken(cli, wanted, person);
}

async function checkedToken(cli: Cli, wanted: Wanted, person: Person | undefined): Promise<string> {
  const token = await currentToken(cli);
  const base = apiAddress(cli);
  if (isKnown(cli, base, token, wanted)) return token;
  await checkSigner(cli, { base });
  await mayConnect(cli, { base, token }, wanted, person);
  keepKnown(cli, base, token, wanted);
  // Whoever waited for reviewers may have a new one by now.
  return currentToken(cli);
}
