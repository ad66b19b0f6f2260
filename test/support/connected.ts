import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { localCertificates } from '#local/setup/certificates.ts';

export interface Connected<S extends Socket = Socket> {
  /** The accepting end, as the gateway holds it: not flowing. */
  readonly ours: S;
  readonly peer: S;
}

/** Makes connections over loopback for the tests of one file, and destroys them after each. */
export function connections(): { plain(): Promise<Connected>; tls(): Promise<Connected<TLSSocket>> } {
  const folder = mkdtempSync(join(tmpdir(), 'custody-connected-'));
  const toClose: (() => void)[] = [];
  let certificate: { ca: Buffer; cert: Buffer; key: Buffer };

  beforeAll(async () => {
    const { ca, gateway } = await localCertificates(folder, new Date());
    certificate = {
      ca: readFileSync(ca),
      cert: readFileSync(gateway.cert),
      key: readFileSync(gateway.key),
    };
  });
  afterEach(() => {
    for (const close of toClose.splice(0)) close();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function pairOn<S extends Socket>(
    server: ReturnType<typeof createServer>,
    event: string,
    dial: (port: number) => S,
  ): Promise<Connected<S>> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, event);
    const peer = dial((server.address() as { port: number }).port);
    const [ours] = (await accepted) as [S];
    for (const socket of [ours, peer]) {
      socket.on('error', () => undefined);
      toClose.push(() => socket.destroy());
    }
    toClose.push(() => server.close());
    return { ours, peer };
  }

  return {
    plain: () =>
      pairOn(createServer({ allowHalfOpen: true }), 'connection', (port) => connect(port, '127.0.0.1')),
    tls: () =>
      pairOn(createTlsServer(certificate), 'secureConnection', (port) =>
        connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: certificate.ca }),
      ),
  };
}
