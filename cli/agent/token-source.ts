/** Where an agent's own token is from: one that is asked for anew before the last one ends. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { decodeJwt } from 'jose';
import { CustodyError } from '#core/errors.ts';
import type { Cli } from '../cli.ts';
import { readGivenFile } from '../given-file.ts';
import { exchangeTokens } from '../oidc/exchange.ts';
import { currentToken } from '../tokens.ts';

export interface SourceOptions {
  /** A command whose standard output is a token. */
  readonly tokenCommand?: string;
  /** A file with the token by which the agent says who it is, for an exchange with the person's own. */
  readonly actorTokenFile?: string;
  readonly clientId: string;
  /** Gives the agent the caller's own token. */
  readonly ownToken?: true;
}

/** The task that the token is wanted for. */
export interface Wanted {
  readonly run: string;
  readonly task: string;
}

export type TokenSource = (wanted: Wanted) => Promise<string>;

const run = promisify(execFile);
const TOKEN_MAX_BYTES = 64 << 10;
const COMMAND_MS = 30_000;

/** `actorToken`: in place of a file, for the demo. Throws `format-invalid` for options that exclude each other. */
export function tokenSource(
  cli: Cli,
  options: SourceOptions,
  actorToken?: () => Promise<string>,
): TokenSource {
  const { tokenCommand, actorTokenFile, clientId, ownToken } = options;
  const actor =
    actorTokenFile === undefined
      ? actorToken
      : async () => readGivenFile(actorTokenFile, TOKEN_MAX_BYTES).trim();
  if (tokenCommand !== undefined && actor !== undefined)
    throw new CustodyError(
      'format-invalid',
      'a token comes from a command or from an exchange, not from both',
    );
  if (tokenCommand !== undefined) return (wanted) => ofCommand(cli, tokenCommand, wanted);
  if (actor !== undefined)
    return async ({ run: id, task }) => {
      const [subject, own] = await Promise.all([currentToken(cli), actor()]);
      return exchangeTokens({ subject, actor: own, clientId, scope: `task:${id}/${task}` });
    };
  return async () => {
    const token = await currentToken(cli);
    if (ownToken !== true) refusePersonal(token);
    return token;
  };
}

/** The task stands in its environment: whoever signs tokens can put it into one. */
async function ofCommand({ env }: Cli, command: string, wanted: Wanted): Promise<string> {
  const more = { CUSTODY_RUN: wanted.run, CUSTODY_TASK_NAME: wanted.task };
  const { stdout } = await run('/bin/sh', ['-c', command], {
    env: { ...env, ...more },
    timeout: COMMAND_MS,
    maxBuffer: TOKEN_MAX_BYTES,
  }).catch((cause: unknown) => {
    throw new CustodyError('token-missing', 'the token command failed', {
      hint: 'run it by hand: it has to print a token, and nothing else',
      cause,
    });
  });
  return stdout.trim();
}

/** A person's token lets an agent be that person, wherever it goes. */
function refusePersonal(token: string): void {
  const { act, email, task } = decodeJwt<{ act?: unknown; email?: unknown; task?: unknown }>(token);
  if (act !== undefined || task !== undefined || email === undefined) return;
  throw new CustodyError(
    'token-invalid',
    'this would give the agent your own token, with all that you may do',
    {
      hint: 'exchange it (--actor-token-file), get one for it (--token-command), log in as a workload, or say --own-token',
    },
  );
}
