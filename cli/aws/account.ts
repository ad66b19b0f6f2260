import { CustodyError } from '#core/errors.ts';
import { type Ask, foundOr } from './ask.ts';

/** Whom AWS takes one for, and where. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

/** The account that the AWS CLI is logged in to. Throws `config-invalid` where AWS does not know anybody. */
export async function accountOf(ask: Ask): Promise<string> {
  const answer = await ask<{ readonly Account: string }>('sts', 'get-caller-identity');
  if ('found' in answer) return answer.found.Account;
  throw new CustodyError('config-invalid', `AWS does not know you: ${answer.refused.words}`, {
    hint: 'log in first, as aws sts get-caller-identity shows: aws sso login, aws configure, or AWS_PROFILE',
  });
}

/** The region that was asked for, else the one that the AWS CLI uses. */
export async function regionOf(
  ask: Ask,
  env: Readonly<Record<string, string | undefined>>,
  given?: string,
): Promise<string | undefined> {
  const named = given ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'];
  if (named) return named;
  return foundOr(await ask<string>('configure', 'get', 'region'), undefined);
}
