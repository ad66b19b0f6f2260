import { type Api, apiAddress } from './api.ts';
import type { Cli } from './cli.ts';
import { checkSigner } from './signer-pin.ts';
import { currentToken } from './tokens.ts';

/** The API with a token that is good now, after its signing key was held against the pinned one. */
export async function connectApi(cli: Cli): Promise<Api> {
  const api = { base: apiAddress(cli), token: await currentToken(cli) };
  await checkSigner(cli, { base: api.base });
  return api;
}
