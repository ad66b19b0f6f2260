/**
 * Writes the tables of core/protocols/postgres/encoding from what a running PostgreSQL (UTF8) says of each of its encodings:
 * `node test/vectors/postgres/make-encodings.ts postgres://app@127.0.0.1:5432/postgres`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { MULTI_BYTE, serverDecodes, SINGLE_BYTE } from '#test/support/server-encodings.ts';

const FOLDER = fileURLToPath(new URL('../../../core/protocols/postgres/encoding/tables/', import.meta.url));
const NONE = '\ufffd';
/**
 * In private use up to PostgreSQL 18, letters by GB 18030-2022: where a session's server may be of either mind, nothing is said.
 */
const CHANGED = /[\ue78d-\ue796\ue7c7\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864]/u;
/** What an editor would not show, or take for something else. */
const INVISIBLE = /[\p{C}\p{Z}\p{M}]/gu;

const client = new Client(process.argv[2]);
await client.connect();
mkdirSync(FOLDER, { recursive: true });
const single: Record<string, string> = {};
for (const encoding of SINGLE_BYTE) {
  const characters = await serverDecodes(client, encoding);
  single[encoding] = Array.from({ length: 128 }, (_, at) => characters.get((at + 128).toString(16)) ?? NONE).join('');
}
write('single-byte', single);
for (const encoding of Object.keys(MULTI_BYTE)) write(encoding.toLowerCase(), tableOf(await serverDecodes(client, encoding)));
await client.end();

/** Rows by all bytes of a character but the last, from the first last byte on; pairs are characters of two code points. */
function tableOf(characters: ReadonlyMap<string, string>) {
  const rows: Record<string, { from: number; text: string }> = {};
  const pairs: Record<string, string> = {};
  for (const [hex, text] of [...characters].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (hex.length === 2 && Number.parseInt(hex, 16) < 128) continue;
    const last = Number.parseInt(hex.slice(-2), 16);
    const row = (rows[hex.slice(0, -2)] ??= { from: last, text: '' });
    if (Array.from(text).length > 1) pairs[hex] = text;
    const missing = last - row.from - Array.from(row.text).length;
    row.text += NONE.repeat(missing) + (hex in pairs || CHANGED.test(text) ? NONE : text);
  }
  return { rows, pairs };
}

function write(name: string, table: object): void {
  const json = JSON.stringify(table, undefined, 2).replace(INVISIBLE, (found) =>
    found === ' ' || found === '\n' ? found : inHexadecimal(found),
  );
  writeFileSync(`${FOLDER}${name}.json`, `${json}\n`);
}

function inHexadecimal(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
