import { type Api, getIssuers } from '../api.ts';
import type { OfferedIssuer } from '../api-shapes.ts';
import { bad, type Finding, good, warning } from '../findings/finding.ts';
import { type Get, discoverIssuer } from '../init/discovered.ts';
import { issuerFinding } from '../preflight/issuers.ts';

/** Whether people can log in with what the API tells `custody login`, and whether their issuers answer from here. */
export async function loginFindings(api: Api, get: Get): Promise<readonly Finding[]> {
  const issuers = await getIssuers(api);
  const people = issuers.filter((one) => one.kind === 'person');
  if (people.length === 0) {
    const todo = 'add an issuer with kind: person to identity in custody.yaml';
    return [warning('login', 'people cannot log in: the gateway has no issuer for them', { todo })];
  }
  const read = (): string => '';
  const keys = await Promise.all(issuers.map((issuer) => issuerFinding(issuer, { get, read })));
  const sane = await Promise.all(people.map((one) => offerFindings(one, get)));
  return [...keys, ...sane.flat()];
}

async function offerFindings(offered: OfferedIssuer, get: Get): Promise<Finding[]> {
  const { name, issuer, clientId, audience, token, scopes = [] } = offered;
  const about = `login ${name}`;
  const { scopes: known } = await discoverIssuer(issuer, get);
  const other = known === undefined ? [] : scopes.filter((scope) => !known.includes(scope));
  const found = [
    // OpenID Connect Core 1.0 section 2: an ID token is for the client that asked.
    ...(token === 'id' && !audience.includes(clientId)
      ? [
          bad(
            about,
            `ID tokens are for the client ${clientId}, and the gateway takes those for ${audience.join(', ')}`,
            {
              why: 'every token is refused',
              todo: 'add the client id to audience in custody.yaml, or correct login.clientId',
            },
          ),
        ]
      : []),
    ...(other.length === 0
      ? []
      : [
          warning(about, `the issuer does not say that it knows the scopes ${other.join(', ')}`, {
            why: 'some refuse a login that asks for one (invalid_scope)',
            todo: 'correct login.scopes in custody.yaml',
          }),
        ]),
  ];
  return found.length > 0 ? found : [good(about, `as client ${clientId}`)];
}
