import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { currentDirectories } from '#adapters/directory/current-directories.ts';
import { issuersVerifier } from '#adapters/oidc/issuers-verifier.ts';
import { parseConfig } from '#core/access/config.ts';
import { withGroups } from '#core/identity/added-groups.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import { json, startDirectory, type TestDirectory } from '#test/support/directory.ts';
import { makeKey, signToken, startIssuer, type TestIssuer, type TestKey } from '#test/support/issuer.ts';

const OID = '87d349ed-44d7-43e1-9a83-5f2406dee5bd';
const GROUP = '45b7d2e7-b882-4a80-ba97-10b7a63b8fa4';

let issuer: TestIssuer;
let key: TestKey;
let directory: TestDirectory;
let verifier: TokenVerifier;
beforeAll(async () => {
  [issuer, key, directory] = await Promise.all([startIssuer(), makeKey('k1'), startDirectory()]);
  issuer.keys = [key.jwk];
  const value = [{ '@odata.type': '#microsoft.graph.group', id: GROUP }];
  directory.groups = (_asked, response) => json(response, { value });
  const { issuers } = parseConfig(
    `version: 1
identity:
  issuer: ${issuer.url}
  audience: custody
  directory: { kind: microsoft, tenant: acme.com, clientId: ${OID}, secret: s,
    graphUrl: "${directory.url}", loginUrl: "${directory.url}" }
targets: {}
`,
    'custody.yaml',
  );
  const directoryOf = currentDirectories({
    readSecret: async () => 'secret',
    wallClock: () => new Date(),
    onTrouble: () => undefined,
  });
  const made = issuersVerifier(issuers);
  verifier = withGroups(
    () => made,
    () => issuers,
    directoryOf,
  )();
});
beforeEach(() => void (directory.asked.length = 0));
afterAll(() => Promise.all([issuer?.close(), directory?.close()]));

async function verified(claims: object, sub: string) {
  return verifier.verify(await signToken(issuer, key, { sub, oid: OID, ...claims }));
}

describe('a token of Entra', () => {
  // https://learn.microsoft.com/en-us/security/zero-trust/develop/configure-tokens-group-claims-app-roles#group-overages
  it.each([
    [
      'names groups elsewhere',
      {
        _claim_names: { groups: 'src1' },
        _claim_sources: { src1: { endpoint: 'https://graph.windows.net/x/users/y/getMemberObjects' } },
      },
    ],
    ['says that it has groups', { hasgroups: true }],
  ])('that %s has those of Graph, and of nowhere that the token names', async (what, claims) => {
    const principal = await verified({ groups: undefined, ...claims }, what);
    expect(principal.groups).toEqual([GROUP]);
    expect(principal.groupsOmittedByIssuer).toBeUndefined();
    expect(directory.asked.at(-1)!.path).toBe(`/v1.0/users/${OID}/transitiveMemberOf`);
  });

  it('that names its groups, or has none, is asked about nowhere', async () => {
    expect((await verified({ groups: ['a'] }, 'one')).groups).toEqual(['a']);
    expect((await verified({ groups: undefined }, 'two')).groups).toEqual([]);
    expect(directory.asked).toEqual([]);
  });
});
