import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DemoRole, demoToken } from '#adapters/local/demo-issuer.ts';
import { reconfigure } from '#test/support/access-story.ts';
import { hasClient, psql } from '#test/support/clients.ts';
import { json, startDirectory, type TestDirectory } from '#test/support/directory.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

const CLIENT = '535fb089-9ff3-47b6-9bfb-4f1264799865';
const SECRET = 'not-for-any-log';

let local: LocalGateway;
let directory: TestDirectory;
/** The groups of people, by their oid. */
const groups = new Map<string, readonly string[]>();
let isAway = false;

beforeAll(async () => {
  directory = await startDirectory();
  directory.groups = ({ path }, response) => {
    if (isAway) return void response.writeHead(503).end();
    const found = groups.get(path.split('/')[3]!);
    if (found === undefined) return json(response, { error: { code: 'Request_ResourceNotFound' } }, 404);
    const value = found.map((displayName, n) => ({
      ...{ '@odata.type': '#microsoft.graph.group', id: oidOf(n), displayName },
    }));
    return json(response, { value });
  };
  local = await startLocalGateway();
  writeFileSync(join(local.dataDir, 'secrets', 'graph'), `${SECRET}\n`, { mode: 0o600 });
  const said = [
    `kind: microsoft, tenant: acme.com, clientId: ${CLIENT}, secretFile: secrets/graph, when: always`,
    `groupNames: displayName, graphUrl: "${directory.url}", loginUrl: "${directory.url}"`,
  ].join(', ');
  const members = 'members: { auditors: [rev-1] }';
  await reconfigure(local, (text) =>
    text.replace(/^( *)audience: custody$/m, `$&\n$1directory: { ${said} }\n$1${members}`),
  );
});
afterAll(async () => {
  await local?.stop();
  await directory?.close();
});

function oidOf(n: number): string {
  return `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`;
}

/** A token as Entra makes them, of somebody in these groups of the directory; in none that is known when not given. */
function tokenOf(person: DemoRole, n: number, inGroups?: readonly string[]): Promise<string> {
  if (inGroups !== undefined) groups.set(oidOf(n), inGroups);
  return demoToken(local.dataDir, person, Date.now(), { oid: oidOf(n) });
}

async function whoami(token: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${local.addresses.api}/v1/whoami`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe.skipIf(!hasClient('psql'))('a gateway whose issuer has a directory', () => {
  it('goes by its groups at both doors, whatever groups the token names', async () => {
    const developer = await tokenOf('auditor', 1, ['developers']);
    expect(await psql(local, 'select 1', { token: developer })).toMatchObject({ code: 0, stdout: '1\n' });
    expect((await whoami(developer)).body['groups']).toEqual(['developers']);
    const nobody = await tokenOf('developer', 2, []);
    const { code, stderr } = await psql(local, 'select 1', { token: nobody });
    expect([code, stderr]).toEqual([2, expect.stringContaining('no target "orders-db" that you may')]);
    expect((await whoami(nobody)).body['groups']).toEqual([]);
  });

  it('adds those that custody.yaml lists', async () => {
    const { body } = await whoami(await tokenOf('reviewer', 3, ['reviewers']));
    expect(body['groups']).toEqual(['reviewers', 'auditors']);
  });

  it('refuses whoever the directory does not know, and whoever the token does not name to it, in words', async () => {
    const stranger = await tokenOf('developer', 9);
    const { stderr } = await psql(local, 'select 1', { token: stranger });
    expect(stderr).toContain('the directory of groups does not know whom the token is of');
    expect(await whoami(stranger)).toMatchObject({ status: 403, body: { code: 'access-denied' } });
    const unnamed = await psql(local, 'select 1', { token: await local.token('developer') });
    expect(unnamed.stderr).toContain('the token has no oid');
  });

  it('lets nobody new in while the directory is away, goes on with what it knows, and says so to the operator', async () => {
    const known = await tokenOf('developer', 4, ['developers']);
    expect((await psql(local, 'select 1', { token: known })).code).toBe(0);
    isAway = true;
    expect((await psql(local, 'select 1', { token: known })).code).toBe(0);
    const late = await tokenOf('developer', 5, ['developers']);
    const { code, stderr } = await psql(local, 'select 1', { token: late });
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('the directory cannot be asked which groups'),
    ]);
    expect(await whoami(late)).toMatchObject({ status: 503, body: { code: 'issuer-unreachable' } });
    const line = local.said.split('\n').find((one) => one.includes('"event":"directory-failed"'));
    expect(JSON.parse(line!)).toMatchObject({
      level: 'error',
      detail: `the directory of the issuer "people": ${directory.url} answered 503`,
    });
    expect(local.said).toContain("an issuer's directory cannot be asked");
    expect(local.said).not.toContain(SECRET);
  });
});
