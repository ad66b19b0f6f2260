import { Command } from 'commander';
import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import { apiAddress, getJson } from '../api.ts';
import { text } from '../api-shapes.ts';
import { type Cli, print, printJson, say } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { facts } from '../listing.ts';
import { claimsOf, currentToken } from '../tokens.ts';

const whoamiSchema = z.object({
  issuer: text,
  subject: text,
  email: text.optional(),
  groups: z.array(text),
  groupsClaim: text,
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
    who: email ?? subject,
    subject,
    groups: seen && (seen.groups.join(', ') || `none in the token's claim ${seen.groupsClaim}`),
    task: seen?.task,
    factors: seen?.mfa ? 'more than one' : undefined,
    issuer,
    expires: expiresAt,
    api,
  };
  await print(cli, facts(shown).join('\n'));
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
