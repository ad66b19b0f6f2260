import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectionName, unanswered } from '#proxy/wire/unanswered.ts';

const HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n';

/** As Linux writes a row. */
function row(local: string, remote: string, timer: string, retransmits: number, probes = 0): string {
  const tries = retransmits.toString(16).toUpperCase().padStart(8, '0');
  return `   0: ${local} ${remote} 01 000004B0:00000000 ${timer}:00000123 ${tries}     0        ${probes} 1681 3 0 100 4 30 10 7\n`;
}

const V4 = ['0100007F:1D08', '0200007F:C350'] as const;
const NAME = '127.0.0.1 7432 127.0.0.2 50000';

describe('connections that are not answered, by the kernel’s table', () => {
  it.each([
    ['bytes were sent again, twice', row(...V4, '01', 2), [{ connection: NAME, tries: 2, againMs: 2_910 }]],
    ['hexadecimal', row(...V4, '01', 12), [{ connection: NAME, tries: 12, againMs: 2_910 }]],
    ['bytes are in flight, and no more', row(...V4, '01', 0), []],
    [
      'a peer without room does not answer',
      row(...V4, '04', 0, 3),
      [{ connection: NAME, tries: 3, againMs: 2_910 }],
    ],
    ['a peer without room answers each time', row(...V4, '04', 0, 0), []],
    ['nothing is in flight', row(...V4, '00', 0), []],
    ['keepalive asks', row(...V4, '02', 0, 1), []],
  ])('%s', (_, table, found) => {
    expect([...unanswered(HEADER + table)]).toEqual(found);
  });

  it('knows an address in each of its spellings', () => {
    const mapped = '0000000000000000FFFF00000100007F:1D08';
    const v6 = 'B80D0120000000000000000001000000:C350';
    const [found] = unanswered(row(mapped, v6, '01', 1));
    const ends = { localAddress: '::ffff:127.0.0.1', localPort: 7432, remotePort: 50_000 };
    expect(found!.connection).toBe(connectionName({ ...ends, remoteAddress: '2001:db8::1' }));
    expect(found!.connection).toBe('127.0.0.1 7432 2001:db8::1 50000');
    expect(connectionName({ ...ends, remoteAddress: 'fe80::1%eth0' })).toContain('fe80::1 50000');
  });

  it('takes whatever else there is for nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        expect([...unanswered(HEADER + text + row(...V4, '01', 1))].length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it.runIf(process.platform === 'linux')('names a real connection as node does', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
    onTestFinished(() => void (socket.destroy(), server.close()));
    await once(socket, 'connect');
    // The real table, as it would be if every connection waited.
    const table = readFileSync('/proc/self/net/tcp', 'latin1').replace(
      / (?:0[0-9]):([0-9A-F]{8}) [0-9A-F]{8} /g,
      ' 01:$1 00000001 ',
    );
    const names = [...unanswered(table)].map(({ connection }) => connection);
    expect(names).toContain(connectionName(socket));
  });
});
