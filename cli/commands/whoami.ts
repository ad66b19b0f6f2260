import { Command } from 'commander';
import { z } from 'zod';
import { nameOf } from '#core/access/person.ts';
import { CustodyError } from '#core/errors.ts';
import { apiAddress, getJson } from '../api.ts';
import { person, text } from '../api-shapes.ts';
import { type Cli, print, printJson, say } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { accountText, facts } from '../listing.ts';
import { claimsOf, currentToken } from '../tokens.ts';

const whoamiSchema = z.object({
  ...person.shape,
  issuerName: text.optional(),
  kind: z.enum(['person', 'workload']).optional(),
  claims: z.record(text, z.union([text, z.array(text)])).optional(),
  groups: z.array(text),
  groupsClaim: text,
  directory: text.optional(),
  task: text.optional(),
  mfa: z.boolean(),
  expiresAt: text,
});

export function whoamiCommand(cli: Cli): Command {
  return new Command('whoami')
    .description('whom the gateway takes you for, and your groups as its rules see them')
    .option('--json', 'as one line of JSON')
    .action(({ json }: { json?: true }) => whoami(cli, json === true));
}

async function whoami(cli: Cli, json: boolean): Promise<void> {
  const claims = claimsOf(await currentToken(cli));
  const seen = await seenByGateway(cli).catch((error: unknown) => notAsked(cli, error));
  const api = apiAddress(cli).href;
  if (json) return printJson(cli, { ...(seen ?? claimed(claims)), api });
  const { issuer, subject, email, expiresAt } = seen ?? claimed(claims);
  const shown = {
    who: nameOf({ email, subject, actors: seen?.actors }),
    subject,
    actor: seen?.actors?.map(accountText).join(', for '),
    kind: seen?.kind === 'workload' ? 'a machine' : undefined,
    groups: seen && (seen.groups.join(', ') || noneOf(seen)),
    task: seen?.task,
    factors: seen?.mfa ? 'more than one' : undefined,
    claims: claimsText(seen?.claims ?? {}),
    issuer: seen?.issuerName === undefined ? issuer : `${issuer} (${seen.issuerName})`,
    expires: expiresAt,
    api,
  };
  await print(cli, facts(shown).join('\n'));
}

function noneOf({ groupsClaim, directory }: z.infer<typeof whoamiSchema>): string {
  const inToken = `none in the token's claim ${groupsClaim}`;
  return directory === undefined
    ? inToken
    : `${inToken}, and none that the directory (${directory}) was asked for`;
}

/** Those that rules look at; a claim that the token does not have is left out. */
function claimsText(claims: Readonly<Record<string, string | readonly string[]>>): string {
  const said = Object.entries(claims).filter(([, value]) => value.length > 0);
  return said.map(([name, value]) => `${name}=${[value].flat().join(', ')}`).join('; ');
}

async function seenByGateway(cli: Cli): Promise<z.infer<typeof whoamiSchema>> {
  return getJson(await connectApi(cli), '/v1/whoami', whoamiSchema);
}

/** Which claim names groups is for the gateway to say: without it, nothing is said of them. */
function claimed({ issuer, subject, email, expiresAt }: ReturnType<typeof claimsOf>) {
  return { issuer, subject, email, expiresAt: new Date(expiresAt).toISOString() };
}

/** Where it is out of reach. A gateway that refuses the token, or whose key is not the pinned one, is heard. */
function notAsked(cli: Cli, error: unknown): undefined {
  if (!(error instanceof CustodyError) || !['internal', 'not-found'].includes(error.code)) throw error;
  say(cli, `note: this is what the token says; the gateway could not be asked: ${error.message}`);
}
