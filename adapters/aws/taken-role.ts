import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts';
import { CustodyError } from '#core/errors.ts';
import { awsFailure } from './failure.ts';

export interface TakenCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** Whose words the role's account sees in its own CloudTrail. */
interface Taking {
  readonly role: string;
  readonly session: string;
}

/** The least that STS gives: a role that is no longer to be taken is soon of no use. */
const ROLE_S = 900;
/** What is left of it when it is taken anew. */
const EARLY_MS = 300_000;

/**
 * Takes a role that somebody lets the gateway take, for a quarter of an hour. Rejects with `config-invalid` for a role that may not be
 * taken, and with `store-unavailable`.
 */
export async function takeRole(sts: STSClient, { role, session }: Taking): Promise<TakenCredentials> {
  const asked = { RoleArn: role, RoleSessionName: session, DurationSeconds: ROLE_S };
  try {
    const { Credentials: given } = await sts.send(new AssumeRoleCommand(asked));
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = given!;
    return {
      accessKeyId: AccessKeyId!,
      secretAccessKey: SecretAccessKey!,
      sessionToken: SessionToken!,
      expiration: Expiration!,
    };
  } catch (thrown) {
    if (!REFUSED.includes((thrown as Error).name)) throw awsFailure(thrown, `take the role ${role}`);
    throw new CustodyError('config-invalid', 'the gateway may not take a role that it needs', {
      hint: 'its trust policy has to name the role of the proxy: the output GatewayRole of the stack',
      detail: `${role}: ${(thrown as Error).name}`,
      cause: thrown,
    });
  }
}

const REFUSED = ['AccessDenied', 'AccessDeniedException', 'ValidationError', 'RegionDisabledException'];

/** The same role again and again, asked for once in ten minutes. What failed is asked for again. */
export function takenRole(sts: STSClient, taking: Taking, now: () => Date): () => Promise<TakenCredentials> {
  let held: TakenCredentials | undefined;
  return async () => {
    if (held === undefined || held.expiration.getTime() - now().getTime() < EARLY_MS)
      held = await takeRole(sts, taking);
    return held;
  };
}
