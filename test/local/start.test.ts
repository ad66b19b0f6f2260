import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

describe('npm start', () => {
  let local: LocalGateway;
  beforeAll(async () => {
    local = await startLocalGateway({ args: ['--drain-ms', '1000'] });
  });
  afterAll(() => local.stop());

  test('says every address and path in one line', async () => {
    const { addresses, dataDir } = local;
    expect(addresses).toMatchObject({
      dataDir,
      config: `${dataDir}/custody.yaml`,
      ca: `${dataDir}/tls/ca.pem`,
      signer: `${dataDir}/signer.pem`,
    });
  });

  test('starts the gateway again when it is killed', async () => {
    const before = local.gatewayPid;
    await local.kill9();
    expect(local.gatewayPid).not.toBe(before);
    expect(local.said).toContain('the gateway died (SIGKILL)');
  });
});
