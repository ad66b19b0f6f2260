import { decodeJwt } from 'jose';
import { CustodyError } from '#core/errors.ts';
import type { WorkloadIssuer } from '../api-shapes.ts';
import type { Cli } from '../cli.ts';
import type { WorkloadLogin } from '../stored-tokens.ts';
import { tokenOf } from './sources.ts';

type Source = Pick<WorkloadLogin, 'source' | 'file'>;
type Accepted = Pick<WorkloadIssuer, 'issuer' | 'audience'>;

/** A new token, as often as one is needed. Rejects with `token-invalid` before one for somebody else leaves this machine. */
export async function workloadToken(cli: Cli, login: WorkloadLogin): Promise<string> {
  const token = await tokenOf(cli, login, login.audience[0]!);
  if (fits(token, login)) return token;
  throw forOthers(token, [login]);
}

/** Which of these issuers the source's tokens are of. Rejects with `token-invalid` when of none. */
export async function issuerOf(
  cli: Cli,
  source: Source,
  issuers: readonly WorkloadIssuer[],
): Promise<WorkloadIssuer> {
  let token = await tokenOf(cli, source, issuers[0]!.audience[0]!);
  const [first] = issuers.filter(({ issuer }) => issuer === outsideOf(token).iss);
  // The first was asked for with the audience of whichever issuer stands first.
  if (first !== undefined && !fits(token, first)) token = await tokenOf(cli, source, first.audience[0]!);
  const found = issuers.find((issuer) => fits(token, issuer));
  if (found !== undefined) return found;
  throw forOthers(token, issuers);
}

/** Whether the gateway may see it: a token for another service, such as Kubernetes' own API, is a key to that one. */
function fits(token: string, { issuer, audience }: Accepted): boolean {
  const { iss, aud = [] } = outsideOf(token);
  return iss === issuer && [aud].flat().some((one) => audience.includes(one));
}

function outsideOf(token: string): { readonly iss?: string; readonly aud?: string | string[] } {
  try {
    return decodeJwt(token);
  } catch (cause) {
    throw new CustodyError('token-invalid', "the workload's token is not a JWT", {
      hint: 'look at where it is from (--workload, --token-file): it has to be an ID token, and nothing else',
      cause,
    });
  }
}

function forOthers(token: string, wanted: readonly Accepted[]): CustodyError {
  const { iss = 'nobody', aud = 'nobody' } = outsideOf(token);
  const taken = wanted.map(({ issuer, audience }) => `${issuer} for ${audience.join(' or ')}`).join('; ');
  const message = `the workload's token is of ${iss} for ${[aud].flat().join(', ')}, and was not sent: the gateway takes ${taken}`;
  return new CustodyError('token-invalid', message, {
    hint: 'issuer and audience have to be those of a workload issuer in custody.yaml; Kubernetes: a projected volume with that audience',
  });
}
