import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bareStatement } from '#core/access/statements.ts';
import type { CustodyError } from '#core/errors.ts';
import { authenticationOk, parameterStatus, readyForQuery } from '#core/protocols/postgres/backend.ts';
import { parseFrontend } from '#core/protocols/postgres/frontend.ts';
import { MessageReader } from '#core/protocols/postgres/messages.ts';
import { splitStatements } from '#core/protocols/postgres/split.ts';
import { readStartup } from '#core/protocols/postgres/startup.ts';
import { cstring, message } from '#core/protocols/postgres/wire.ts';
import { hasClient, startClient } from '#test/support/clients.ts';

const SCRIPTS: Readonly<Record<string, string>> = {
  'one after the other': 'select 1; select 2;\nselect 3',
  'no semicolon at the end': 'select 1;\nselect 2\n',
  'nothing at all': ' ; ;;\n -- nothing\n /* here */ ;',
  quotes: `select 'a;b', "c;d" from t; select 'it''s; so'; select "q""; q";`,
  escapes: String.raw`select E'\';', e'a\\'; select 'a\'; select 2;`,
  'dollar quotes': 'select $$a;b$$; select $x$ ;$y$; $x$; select $1; select a$b$c; select 1;',
  comments: 'select 1 -- a;b\n, 2; select /* ; */ 3; select /* a /* ; */ b */ 4;',
  'comments before a command': '-- first\n/* second; */ select 1; -- third\nselect 2; /* last */',
  'comments at the end': 'select 1 /* why; */ ; select 2 -- why\n;',
  parentheses:
    'select (1; 2); select ((3)); create rule r as on insert to t do (delete from a; delete from b);',
  'a body in quotes': 'create function f() returns int language sql as $$ select 1; select 2; $$; select 3;',
  'a body between BEGIN and END': `create function f() returns int begin atomic select 1; select case when true then 1 else 2 end; end; select 4;`,
  'a procedure': 'create or replace procedure p() begin atomic insert into t values (1); end; select 5;',
  'a transaction': 'begin; update t set a = 1; end; commit;',
  'line ends of others': 'select 1;\r\nselect 2;\r\n',
  letters: 'select \u00e9 as "\u00fc;\u00e4"; select $\u00e9$;$\u00e9$; select 3;',
};

describe.runIf(hasClient('psql'))('a script is cut where psql cuts it', () => {
  it.each(Object.entries(SCRIPTS))('%s', async (_name, script) => {
    expect(splitStatements(script).map(bareStatement)).toEqual(
      (await sentByPsql(script)).map(bareStatement).filter((text) => text !== ''),
    );
  });
});

describe('a script', () => {
  it.each([
    ['\\d orders', 'unsupported', "line 1: psql's own commands cannot be approved"],
    ["select 1;\n\n\\copy t from 'x'", 'unsupported', "line 3: psql's own commands cannot be approved"],
    ["select 'a;\nb", 'format-invalid', 'line 1: this quote does not end'],
    ['select 1;\nselect "a', 'format-invalid', 'line 2: this quote does not end'],
    ['select $a$ b', 'format-invalid', 'line 1: this dollar quote does not end'],
    ['/* /* */', 'format-invalid', 'line 1: this comment does not end'],
  ])('is refused: %j', (script, code, text) => {
    expect(() => splitStatements(script)).toThrow(expect.objectContaining({ code, message: text }));
  });

  it('of any characters is cut or refused, and nothing of it is made up', () => {
    const piece = fc.constantFrom(
      'select 1',
      ';',
      "'",
      '"',
      '$$',
      '$a$',
      '--',
      '\n',
      '/*',
      '*/',
      '(',
      ')',
      'E',
      'begin',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const script = pieces.join('');
        const found = cut(script);
        expect(found).not.toBe('another error');
        let at = 0;
        for (const text of found as string[]) {
          at = script.indexOf(text, at);
          expect(at).toBeGreaterThanOrEqual(0);
          at += text.length;
        }
      }),
    );
  });
});

/** Its commands; none where it is refused as it should be. */
function cut(script: string): string[] | 'another error' {
  try {
    return splitStatements(script);
  } catch (error) {
    return (error as CustodyError).code === 'format-invalid' ? [] : 'another error';
  }
}

/** The texts of the queries that the psql of this machine makes of a script. */
async function sentByPsql(script: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'custody-split-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'script.sql'), script);
  const texts: string[] = [];
  const server = createServer((socket) => answer(socket, texts));
  onTestFinished(() => void server.close());
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const args = [
    '-X',
    '-q',
    '-f',
    join(folder, 'script.sql'),
    `host=127.0.0.1 port=${port} user=x sslmode=disable gssencmode=disable`,
  ];
  const env = { ...process.env, PGCLIENTENCODING: 'UTF8' };
  const { code, stderr } = await startClient('psql', args, env).done;
  expect([code, stderr]).toEqual([0, '']);
  return texts;
}

/** A server that takes every query for done. */
function answer(socket: Socket, texts: string[]): void {
  const reader = new MessageReader(1 << 20);
  const ready = readyForQuery('I');
  let startup = Buffer.alloc(0);
  let started = false;
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    if (!started) {
      startup = Buffer.concat([startup, chunk]);
      const packet = readStartup(startup);
      if (packet === undefined) return;
      started = true;
      socket.write(
        Buffer.concat([authenticationOk(), parameterStatus('standard_conforming_strings', 'on'), ready]),
      );
      reader.push(startup.subarray(packet.byteLength));
    } else reader.push(Uint8Array.from(chunk));
    for (const wire of reader) {
      if (wire.truncated) throw new Error('a query that is too long');
      const sent = parseFrontend(wire.type, wire.body);
      if (sent.kind !== 'query') continue;
      texts.push(sent.text);
      socket.write(Buffer.concat([message(0x43, cstring('SELECT 0')), ready]));
    }
  });
}
