import { describe, expect, it } from 'vitest';
import { issuerFindings } from '#cli/preflight/issuers.ts';
import { parseConfig } from '#core/access/config.ts';

const ISSUER = 'https://login.example.com';
const DISCOVERY = `${ISSUER}/.well-known/openid-configuration`;
const GOOD = {
  [DISCOVERY]: JSON.stringify({ issuer: ISSUER, jwks_uri: `${ISSUER}/keys` }),
  [`${ISSUER}/keys`]: JSON.stringify({ keys: [{ kty: 'EC', alg: 'ES256' }] }),
};

async function found(pages: Readonly<Record<string, string>>, more = ''): Promise<string[]> {
  const config = parseConfig(
    `version: 1\nidentity: { issuer: '${ISSUER}', audience: custody${more} }\ntargets: {}\n`,
    'custody.yaml',
  );
  const get = (url: string): Promise<string> => {
    const page = pages[url];
    return page === undefined ? Promise.reject(new Error(`${url} answered 404`)) : Promise.resolve(page);
  };
  const findings = await issuerFindings(config, { get, read: (name) => pages[name] ?? '' });
  return findings.flatMap(({ result, about, what }) => (result === 'good' ? [] : [`${about}: ${what}`]));
}

describe('what preflight says of issuers', () => {
  it('nothing, where keys are found by discovery, at their address or in their file', async () => {
    expect(await found(GOOD)).toEqual([]);
    expect(await found(GOOD, `, jwksUri: '${ISSUER}/keys'`)).toEqual([]);
    expect(await found({ 'keys.json': GOOD[`${ISSUER}/keys`] }, ', jwksFile: keys.json')).toEqual([]);
  });

  it.each<[what: string, pages: Record<string, string>, more: string, says: RegExp]>([
    ['nobody answers', {}, '', /^identity default \(https:.*answered 404/],
    [
      'it has another name',
      { [DISCOVERY]: `{"issuer":"${ISSUER}/"}` },
      '',
      /calls itself ".*com\/": write it so/,
    ],
    ['it names no keys', { [DISCOVERY]: `{"issuer":"${ISSUER}"}` }, '', /names no jwks_uri/],
    ['it answers with a page', { [DISCOVERY]: '<html>' }, '', /expected JSON/],
    ['its keys are none', { ...GOOD, [`${ISSUER}/keys`]: '{"keys":[]}' }, '', /publishes no key for/],
    ['its keys are no set', { ...GOOD, [`${ISSUER}/keys`]: '{"keys":{}}' }, '', /no JSON Web Key Set/],
    ['its keys are of another algorithm', GOOD, ', algorithms: [RS256]', /no key for RS256/],
    ['the file has none', { 'keys.json': 'x' }, ', jwksFile: keys.json', /its keys: expected JSON/],
  ])('says so when %s', async (_what, pages, more, says) => {
    expect(await found(pages, more)).toEqual([expect.stringMatching(says)]);
  });

  it('takes keys of a type by their algorithm, where they name none', async () => {
    const of = (kty: string, algorithm: string): Promise<string[]> =>
      found(
        { ...GOOD, [`${ISSUER}/keys`]: JSON.stringify({ keys: [{ kty }] }) },
        `, algorithms: [${algorithm}]`,
      );
    expect(await Promise.all([of('RSA', 'PS256'), of('EC', 'ES256'), of('OKP', 'EdDSA')])).toEqual([
      [],
      [],
      [],
    ]);
    expect((await of('EC', 'EdDSA')).length + (await of('OKP', 'ES256')).length).toBe(2);
  });
});
