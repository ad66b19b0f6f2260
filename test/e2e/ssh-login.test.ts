import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SshGateway } from '#test/support/ssh-gateway.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

describe.runIf(hasOpenSsh())('the way in by SSH', () => {
  let gateway: SshGateway;
  beforeAll(async () => {
    gateway = await SshGateway.start();
  });
  afterAll(() => gateway?.stop());

  it('lets OpenSSH in with a token as the password, and on to the target', async () => {
    const ran = await gateway.ssh(['echo', 'hello']);
    expect(ran).toMatchObject({ code: 0, stdout: Buffer.from('hello\n') });
  });
});
