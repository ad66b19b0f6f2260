import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type TableName, tables } from '#adapters/aws/tables.ts';
import type { ApiEvent, HttpHandler } from '#lambdas/http.ts';
import { contextFor } from '#test/support/api-gateway.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';
import { restCall } from '#test/support/rest-event.ts';

const CONFIG = `version: 1
identity: { issuer: 'https://id.example', audience: custody }
targets:
  stock-db:
    protocol: postgres
    address: db.internal:5432
    database: stock
    credential: { user: app, secret: stock }
rules:
  - name: stock-glass
    groups: [developers]
    targets: [stock-db]
    allow: [connect]
    breakGlass: { reviewers: { any: [reviewers] }, maxDuration: 1h }
`;

describe.runIf(hasMoto())('the function access', () => {
  let moto: Moto;
  let handler: HttpHandler;
  beforeAll(async () => {
    moto = await startMoto();
    const bucket = await moto.bucket();
    const names = Object.keys(tables) as TableName[];
    const made = await Promise.all(names.map(async (name) => [name, await moto.table(name)] as const));
    const environment = {
      ...moto.environment,
      CUSTODY_BUCKET: bucket,
      CUSTODY_CONFIG_BUCKET: bucket,
      CUSTODY_SIGNING_KEY: 'none',
      CUSTODY_LEDGER_ORIGIN: 'ledger.example/custody',
      CUSTODY_GATEWAY_ADDRESS: 'localhost:5432',
      ...Object.fromEntries(made.map(([name, table]) => [`CUSTODY_TABLE_${name.toUpperCase()}`, table])),
      // Metrics go through the console, where a test can hear them.
      POWERTOOLS_DEV: 'true',
      POWERTOOLS_METRICS_DISABLED: 'false',
    };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const put = new PutObjectCommand({ Bucket: bucket, Key: 'custody.yaml', Body: CONFIG });
    await moto.clients.s3.send(put);
    ({ handler } = await import('#lambdas/functions/access.ts'));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await moto?.stop();
  });

  /** What the function says, and what it is called with, behind the authorizer. */
  async function ask(
    body: object,
    through: 'http' | 'rest' = 'http',
  ): Promise<{ readonly status: number | undefined; readonly said: string }> {
    const said: string[] = [];
    const hear = (...words: unknown[]): void => void said.push(words.join(' '));
    const methods = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) =>
      vi.spyOn(console, method).mockImplementation(hear),
    );
    onTestFinished(() => methods.forEach((method) => method.mockRestore()));
    const principal = {
      issuer: 'https://id.example',
      subject: 'dana',
      groups: ['developers'],
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    };
    const rest = restCall('POST', '/v1/requests', {
      headers: { Authorization: ['Bearer the-token'], 'Content-Type': ['application/json'] },
      authorizer: { principal: JSON.stringify(principal), address: '192.0.2.1' },
      body: JSON.stringify(body),
    });
    const http = {
      version: '2.0',
      routeKey: 'POST /v1/requests',
      rawPath: '/v1/requests',
      headers: { authorization: 'Bearer the-token', 'content-type': 'application/json' },
      requestContext: {
        http: { method: 'POST', sourceIp: '192.0.2.1' },
        authorizer: { lambda: { principal: JSON.stringify(principal) } },
      },
      body: JSON.stringify(body),
      isBase64Encoded: false,
    };
    const event = (through === 'rest' ? rest : http) as unknown as ApiEvent;
    const { statusCode } = await handler(event, contextFor());
    return { status: statusCode, said: said.join('\n') };
  }

  it('counts a broken glass, which an alarm of the stack goes by', async () => {
    const { status, said } = await ask({ target: 'stock-db', breakGlass: true, reason: 'it burns' });
    expect(status).toBe(201);
    expect(said).toContain('"BreakGlass"');
    expect(said).not.toContain('the-token');
  });

  it('answers the same to a call through a private API', async () => {
    const request = { target: 'stock-db', breakGlass: true, reason: 'it burns, inside' };
    expect(await ask(request, 'rest')).toMatchObject({ status: 201 });
    expect(await ask({ target: 'none', reason: 'x' }, 'rest')).not.toMatchObject({ status: 201 });
  });
});
