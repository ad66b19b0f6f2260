import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDemoIssuer } from '#local/issuer/issuer.ts';
import type { LocalAddresses } from '#local/setup/addresses.ts';
import { hasChromium } from '#test/support/chromium.ts';
import { eventually } from '#test/support/clients.ts';
import { type Cloud, startCloud } from '#test/support/cloud.ts';
import { type CloudFront, startCloudFront } from '#test/support/cloudfront.ts';
import { ConsoleBrowser } from '#test/support/console-browser.ts';
import { freePort, hasMoto } from '#test/support/moto.ts';
import { configFolder, gatewayTemplate } from '#test/support/stacks.ts';
import { buildConsole } from '../../../console/build/build.ts';

/** What the stand-in of CloudFront shows the API. */
const SECRET = 'shown-by-cloudfront-alone';

interface Listed {
  readonly objects: readonly { readonly name: string; readonly url: string }[];
}

/** The stack as far as emulators go: its behaviours and their functions, the API's functions, S3, DynamoDB and KMS. */
describe.runIf(hasMoto() && hasChromium())('the console of a stack', () => {
  const folder = mkdtempSync(join(tmpdir(), 'custody-edge-'));
  let cloud: Cloud;
  let front: CloudFront;
  let issuer: Awaited<ReturnType<typeof startDemoIssuer>>;
  let browser: ConsoleBrowser;
  let session: string;
  beforeAll(async () => {
    process.env['CUSTODY_EDGE_SECRET'] = 'custody-edge';
    issuer = await startDemoIssuer(folder, await freePort());
    cloud = await startCloud();
    const { secrets } = cloud.moto.clients;
    await secrets.send(new CreateSecretCommand({ Name: 'custody-edge', SecretString: SECRET }));
    session = await recorded(cloud);
    const files = await uploaded(cloud);
    using config = configFolder((yaml) => yaml.replace('https://login.example.com', issuer.url));
    front = await startCloudFront(gatewayTemplate({ configFolder: config.path }), {
      secret: SECRET,
      // Whoever is at this machine comes from there.
      viewer: '203.0.113.7',
      originOf: (domain) => {
        if (domain.includes('ConsoleEdgeFiles')) return `${cloud.moto.endpoint}/${files}`;
        return domain.includes('EvidenceBucket') ? cloud.moto.endpoint : cloud.api;
      },
    });
    await cloud.configure(await policy(cloud, issuer.url));
    browser = await ConsoleBrowser.start(() => ({ api: front.url }) as LocalAddresses);
  });
  afterAll(async () => {
    delete process.env['CUSTODY_EDGE_SECRET'];
    await browser?.stop();
    await Promise.all([front?.close(), cloud?.stop(), issuer?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  test('signs in, sees a session and fetches its evidence, all at one origin', async () => {
    await eventually('the new configuration', async () => {
      const told = (await (await fetch(`${front.url}/v1/login`)).json()) as { issuers: { issuer: string }[] };
      return told.issuers.some((one) => one.issuer === issuer.url) || undefined;
    });
    const ada = await browser.visitor('auditor');
    let authorization = '';
    ada.page.on('request', (request) => {
      authorization = request.headers()['authorization'] ?? authorization;
    });
    await ada.open('/sessions');
    const get = (path: string) =>
      ada.page.evaluate(
        async ([url, bearer]) => {
          const response = await fetch(url!, { headers: { authorization: bearer! } });
          const bytes = new Uint8Array(await response.arrayBuffer());
          return [response.status, [...bytes]] as const;
        },
        [path, authorization],
      );
    const [status, listed] = await get(`/v1/sessions/${session}/evidence`);
    expect(status).toBe(200);
    const { objects } = JSON.parse(Buffer.from(listed).toString()) as Listed;
    expect(objects.map(({ name }) => name)).toContain('open.json');
    for (const { name, url } of objects) {
      const { pathname, search } = new URL(url);
      const [found, bytes] = await get(`/evidence${pathname}${search}`);
      expect([name, found]).toEqual([name, 200]);
      expect(digest(Buffer.from(bytes))).toBe(digest(await cloud.store.get(`sessions/${session}/${name}`)));
    }
    expect([...ada.origins].sort()).toEqual([front.url, issuer.url].sort());
    expect(ada.complaints).toEqual([]);
    // Rules of networks see the viewer, and not CloudFront: the same token at the API itself comes from elsewhere.
    const direct = await fetch(`${cloud.api}/v1/sessions/${session}/evidence`, {
      headers: { authorization },
    });
    expect(direct.status).not.toBe(200);
    const lie = { authorization, 'x-custody-viewer': '203.0.113.7', 'x-custody-edge': 'guess' };
    const spoofed = await fetch(`${cloud.api}/v1/sessions/${session}/evidence`, { headers: lie });
    expect(spoofed.status).toBe(direct.status);
    await ada.close();
  });
});

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A session that is over; its id. */
async function recorded(cloud: Cloud): Promise<string> {
  const task = await cloud.task();
  const client = await task.connect('developer', 'orders-db');
  await client.query('select 1');
  await client.end();
  await task.stop();
  const { sessions } = await cloud.call<{ sessions: { id: string }[] }>('auditor', 'GET', '/v1/sessions');
  return sessions[0]!.id;
}

/** The bucket with the console's files. They are public here: the stand-in does not sign, as CloudFront's origin access control does. */
async function uploaded({ moto }: Cloud): Promise<string> {
  const bucket = await moto.bucket();
  const { files } = await buildConsole();
  for (const { path, type, bytes } of files) {
    const object = { Bucket: bucket, Key: path.slice(1), Body: bytes, ContentType: type };
    await moto.clients.s3.send(new PutObjectCommand({ ...object, ACL: 'public-read' }));
  }
  return bucket;
}

/** The demo's identity provider, and auditors that look from one network alone. */
async function policy(cloud: Cloud, issuer: string): Promise<string> {
  const identity = `identity: { issuer: '${issuer}', audience: custody, groupsClaim: groups }`;
  const text = (await cloud.config()).replace(/^identity: .*$/m, identity);
  return text.replace(
    'allow: [replay, export],',
    "allow: [replay, export], when: { networks: ['203.0.113.0/24'] },",
  );
}
