import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TextEncodings } from '#core/protocols/postgres/encoding/encoding.ts';
import { encodingName } from '#core/protocols/postgres/encoding/names.ts';
import {
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { freePortBase } from '#test/support/local-gateway.ts';
import { MULTI_BYTE, SINGLE_BYTE, serverDecodes, serverEncodes } from '#test/support/server-encodings.ts';

/** The oracle: what a real server says that bytes are. */
describe.skipIf(!hasDebianPostgres())('encodings, by PostgreSQL itself', () => {
  let server: DebianPostgres;
  let client: Client;

  beforeAll(async () => {
    server = await startDebianPostgres(await freePortBase(), 'scram-sha-256');
    const { port, password } = server;
    client = new Client({ host: '127.0.0.1', port, user: 'app', password, database: 'postgres' });
    await client.connect();
  });

  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  test.each([...SINGLE_BYTE, ...Object.keys(MULTI_BYTE)])(
    'every character of %s, and no other',
    async (encoding) => {
      const decode = decoderOf(encoding);
      const characters = await serverDecodes(client, encoding);
      const letters = [...characters].filter(([, text]) => text !== '\ufffd');
      expect(letters.filter(([hex, text]) => ![text, undefined].includes(decode(hex)))).toEqual([]);
      const left = letters.filter(([hex]) => decode(hex) === undefined);
      expect(left.length).toBe(encoding === 'GB18030' ? CHANGED_LETTERS : 0);
      expect(sequences(encoding).filter((hex) => !characters.has(hex) && decode(hex) !== undefined)).toEqual(
        [],
      );
      expect(characters.size).toBeGreaterThan(127);
    },
  );

  test('characters of GB18030 in four bytes', async () => {
    const decode = decoderOf('GB18030');
    const basic = (await serverEncodes(client, 'GB18030', 1)).filter(([code]) => code < 0x10000);
    const letters = [...basic, ...(await serverEncodes(client, 'GB18030', 37))];
    const other = letters.filter(
      ([code, hex]) => ![String.fromCodePoint(code), undefined].includes(decode(hex)),
    );
    expect(other).toEqual([]);
    const left = letters.filter(([, hex]) => decode(hex) === undefined).map(([code]) => code);
    expect(new Set(left).size).toBe(2 * CHANGED_LETTERS);
    expect(letters.length).toBeGreaterThan(80_000);
  });

  test.each(['UTF8', 'SQL_ASCII', ...SINGLE_BYTE, ...Object.keys(MULTI_BYTE)])(
    'ASCII of %s is ASCII, and its name the one that the server reports',
    async (encoding) => {
      const ascii = Buffer.from(Array.from({ length: 127 }, (_, at) => at + 1));
      expect(new TextEncodings().get(encoding)).toMatchObject({ name: encoding });
      expect(new TextEncodings().get(encoding).decode(ascii)).toEqual({
        text: ascii.toString(),
        undecoded: false,
      });
      await client.query(`set client_encoding to '${encoding.replaceAll('_', '-').toLowerCase()}'`);
      const { rows } = await client.query<{ name: string }>(
        `select current_setting('client_encoding') as name`,
      );
      await client.query('reset client_encoding');
      expect(rows).toEqual([{ name: encoding }]);
    },
  );

  const SPELLINGS =
    'unicode utf-8 Latin-1 iso8859-1 ISO_8859_15 iso-8859-16 alt koi8 koi8-r win windows-1252 windows866 abc tcvn';
  const MORE =
    'tcvn5712 vscii mskanji shift_jis ShiftJIS win932 windows932 win936 windows-949 win950 euc-jis-2004 iso88595';
  test.each([...SPELLINGS.split(' '), ...MORE.split(' ')])(
    '%s is what the server takes it for',
    async (name) => {
      await client.query(`set client_encoding to '${name}'`);
      const { rows } = await client.query<{ name: string }>(
        `select current_setting('client_encoding') as name`,
      );
      await client.query('reset client_encoding');
      expect(encodingName(name)).toBe(rows[0]!.name);
    },
  );
});

/** GB18030: letters on which servers differ by their version; they stay bytes. */
const CHANGED_LETTERS = 19;

/** Bytes in hexadecimal to their text; undefined when they have none. */
function decoderOf(encoding: string): (hex: string) => string | undefined {
  const decoder = new TextEncodings().get(encoding);
  return (hex) => {
    const { text, undecoded } = decoder.decode(Buffer.from(hex, 'hex'));
    return undecoded ? undefined : text;
  };
}

/** Every sequence of the length that a character can have, but those of four bytes. */
function sequences(encoding: string): string[] {
  const upper = Array.from({ length: 128 }, (_, at) => (at + 128).toString(16));
  if (SINGLE_BYTE.includes(encoding)) return upper;
  const isLead = (hex: string): boolean => decoderOf(encoding)(hex) === undefined;
  const leads = ['', ...MULTI_BYTE[encoding]!].flatMap((prefix) =>
    upper.filter(isLead).map((lead) => prefix + lead),
  );
  const trails = Array.from({ length: 240 }, (_, at) => (at + 16).toString(16));
  return leads.flatMap((lead) => trails.map((trail) => lead + trail));
}
