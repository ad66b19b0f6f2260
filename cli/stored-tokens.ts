import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import type { Cli } from './cli.ts';

const TOKENS = 'tokens.json';

const tokensSchema = z.object({
  issuer: z.string(),
  clientId: z.string(),
  idToken: z.string(),
  refreshToken: z.string().optional(),
});
/** What a login leaves behind. */
export type Tokens = z.infer<typeof tokensSchema>;

/** Undefined when nobody is logged in. */
export function storedTokens(cli: Cli): Tokens | undefined {
  const text = cli.home.read(TOKENS, 'secret');
  if (text === undefined) return undefined;
  try {
    return tokensSchema.parse(parseJson(text));
  } catch (cause) {
    throw new CustodyError('state-damaged', `${cli.home.path(TOKENS)} is not what custody login writes`, {
      hint: 'log in again: custody login',
      cause,
    });
  }
}

export function storeTokens(cli: Cli, tokens: Tokens): void {
  cli.home.write(TOKENS, `${JSON.stringify(tokens, null, 2)}\n`);
}

export function forgetTokens(cli: Cli): void {
  cli.home.remove(TOKENS);
}
