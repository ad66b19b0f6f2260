import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentDirectories } from '#adapters/directory/current-directories.ts';
import { type DirectoryConfig, directorySchema } from '#core/access/directory-schema.ts';
import type { CustodyError } from '#core/errors.ts';
import { json, startDirectory, type TestDirectory } from '#test/support/directory.ts';

const dana = { subject: 'x', claims: { oid: '87d349ed-44d7-43e1-9a83-5f2406dee5bd' } };

let server: TestDirectory;
const troubles: [string, CustodyError][] = [];
beforeEach(async () => {
  troubles.length = 0;
  server = await startDirectory();
  server.groups = (_asked, response) => json(response, { value: [] });
});
afterEach(() => server.close());

const directoryOf = currentDirectories({
  readSecret: async ({ secret }) => `${secret}'s text`,
  wallClock: () => new Date(0),
  onTrouble: (error, issuer) => troubles.push([issuer, error]),
});

function config(more: object = {}): DirectoryConfig {
  return directorySchema.parse({
    ...{ kind: 'microsoft', tenant: 'acme.com', clientId: dana.claims.oid, secret: 'one' },
    ...{ graphUrl: server.url, loginUrl: server.url },
    ...more,
  });
}

describe('the directory of an issuer', () => {
  it('keeps its answers and its access token while its configuration is the same', async () => {
    await directoryOf({ name: 'a', directory: config() })!.groupsOf(dana);
    await directoryOf({ name: 'a', directory: config() })!.groupsOf(dana);
    expect(server.asked).toHaveLength(2);
    expect(server.asked[0]!.form.get('client_secret')).toBe("one's text");
  });

  it('is another one for another issuer, and when its configuration changes', async () => {
    await directoryOf({ name: 'a', directory: config() })!.groupsOf(dana);
    await directoryOf({ name: 'b', directory: config() })!.groupsOf(dana);
    await directoryOf({ name: 'a', directory: config({ secret: 'two' }) })!.groupsOf(dana);
    const secrets = server.asked.map(({ form }) => form.get('client_secret')).filter((one) => one !== null);
    expect(secrets).toEqual(["one's text", "one's text", "two's text"]);
  });

  it('is none where none is configured, and forgotten then', async () => {
    await directoryOf({ name: 'c', directory: config() })!.groupsOf(dana);
    expect(directoryOf({ name: 'c' })).toBeUndefined();
    await directoryOf({ name: 'c', directory: config() })!.groupsOf(dana);
    expect(server.asked).toHaveLength(4);
  });

  it('is named in what the operator reads', async () => {
    server.groups = (_asked, response) => json(response, {}, 403);
    const asked = directoryOf({ name: 'd', directory: config() })!.groupsOf(dana);
    await expect(asked).rejects.toMatchObject({ code: 'issuer-unreachable' });
    expect(troubles).toEqual([
      [
        'd',
        expect.objectContaining({ detail: `the directory of the issuer "d": ${server.url} answered 403` }),
      ],
    ]);
  });
});
