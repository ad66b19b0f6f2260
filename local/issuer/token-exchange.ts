import { errors, type Provider } from 'oidc-provider';
import { exchangeDemoTokens } from '#adapters/local/demo-exchange.ts';
import { CustodyError } from '#core/errors.ts';

/** RFC 8693 section 2.1. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
/** Agents have no secret here: the actor token says who they are. */
export const AGENT_CLIENT = 'custody-agent';

const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';

interface ExchangeParams {
  readonly subject_token?: string;
  readonly subject_token_type?: string;
  readonly actor_token?: string;
  readonly actor_token_type?: string;
  readonly requested_token_type?: string;
  readonly audience?: string;
}

const PARAMETERS: readonly (keyof ExchangeParams)[] = [
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'audience',
];

/** Lets the provider exchange a person's ID token and an agent's token for one of the agent acting for the person. */
export function offerTokenExchange(provider: Provider, dataDir: string, audience: string): void {
  provider.registerGrantType<ExchangeParams>(
    TOKEN_EXCHANGE,
    async (context) => {
      const { subject, actor } = tokensOf(context.oidc.params, audience);
      const { token, expiresInS } = await exchanged(dataDir, subject, actor);
      // RFC 8693 section 2.2.1: N_A, as it is no access token.
      context.body = {
        access_token: token,
        issued_token_type: ID_TOKEN,
        token_type: 'N_A',
        expires_in: expiresInS,
      };
    },
    PARAMETERS,
  );
}

/** Impersonation, without an actor, is not offered: the recording would not say who acted. */
function tokensOf(params: ExchangeParams, audience: string): { subject: string; actor: string } {
  const { subject_token: subject, actor_token: actor } = params;
  if (subject === undefined || actor === undefined)
    throw new errors.InvalidRequest('subject_token and actor_token are needed');
  for (const type of ['subject_token_type', 'actor_token_type', 'requested_token_type'] as const) {
    const given = params[type] ?? (type === 'requested_token_type' ? ID_TOKEN : '');
    if (given !== ID_TOKEN && given !== JWT)
      throw new errors.InvalidRequest(`${type} has to be ${ID_TOKEN} or ${JWT}`);
  }
  if ((params.audience ?? audience) !== audience)
    throw new errors.InvalidTarget(`the audience can only be ${audience}`);
  return { subject, actor };
}

async function exchanged(dataDir: string, subject: string, actor: string) {
  try {
    return await exchangeDemoTokens(dataDir, subject, actor, Date.now());
  } catch (error) {
    // RFC 8693 section 2.2.2: a token that is not valid, or not acceptable, is an invalid request.
    if (error instanceof CustodyError && error.code === 'token-invalid')
      throw new errors.InvalidRequest(error.message);
    throw error;
  }
}
