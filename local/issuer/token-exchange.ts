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
  /** `task:RUN_ID/TASK`: the token is then for that task of that run alone. */
  readonly scope?: string;
}

const PARAMETERS: readonly (keyof ExchangeParams)[] = [
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'audience',
  'scope',
];

/** Lets the provider exchange a person's ID token and an agent's token for one of the agent acting for the person. */
export function offerTokenExchange(provider: Provider, dataDir: string, audience: string): void {
  provider.registerGrantType<ExchangeParams>(
    TOKEN_EXCHANGE,
    async (context) => {
      const asked = tokensOf(context.oidc.params, audience);
      const { token, expiresInS } = await exchanged(dataDir, asked);
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

interface Asked {
  readonly subject: string;
  readonly actor: string;
  readonly task: string | undefined;
}

const TASK_SCOPE = /^task:([0-9a-f-]{36}\/[a-z0-9][a-z0-9_-]{0,62})$/;

/** Impersonation, without an actor, is not offered: the recording would not say who acted. */
function tokensOf(params: ExchangeParams, audience: string): Asked {
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
  return { subject, actor, task: taskIn(params.scope) };
}

function taskIn(scope: string | undefined): string | undefined {
  if (scope === undefined) return undefined;
  const [, task] = TASK_SCOPE.exec(scope) ?? [];
  if (task === undefined) throw new errors.InvalidScope('expected task:RUN_ID/TASK', scope);
  return task;
}

async function exchanged(dataDir: string, { subject, actor, task }: Asked) {
  try {
    return await exchangeDemoTokens(dataDir, subject, actor, Date.now(), task);
  } catch (error) {
    // RFC 8693 section 2.2.2: a token that is not valid, or not acceptable, is an invalid request.
    if (error instanceof CustodyError && error.code === 'token-invalid')
      throw new errors.InvalidRequest(error.message);
    throw error;
  }
}
