import { cstring, int32, message } from '#core/protocols/postgres/wire.ts';
import type { Random } from '../fuzz/mutate.ts';
import { ENCODINGS, LETTERS, written } from './letters.ts';

/** One message of a case, and perhaps a rest before the next. */
export interface Move {
  readonly label: string;
  readonly bytes: Uint8Array;
  /** The client looks at what the server says before it goes on. */
  readonly waits: boolean;
}

const X = 'x'.repeat(58);
/** Names that differ before the 63rd byte, at it, after it, and in the middle of a character. */
const LONG = [
  `${X}abcd`,
  `${X}abcde`,
  `${X}abcdef`,
  `${X}abcdefg`,
  `${X}abcdé`,
  `${X}abcé`,
  `${X}abcdéé`,
  `${X}ab€`,
  `${X}abc€`,
];
const STATEMENTS = ['', '', 'a', 'a', 'b', 'A', 'é', 'Ã©', 'q"u'];
const PORTALS = ['', '', '', 'p', 'c', 'C', 'é'];
const POINTS = ['s1', 's2', 'S1'];

/** Makes random cases; each text has a mark of its own, which rows, errors and log repeat. */
export class Cases {
  readonly #random: Random;
  #mark = 0;
  #number = 0;
  #style = { waits: 0.5, error: 0.1, encodings: 0, letters: 0 };
  /** What the client writes in; mostly what it has told the server. */
  #writes = 'UTF8';

  constructor(random: Random) {
    this.#random = random;
  }

  next(): Move[] {
    this.#number++;
    this.#style = {
      waits: this.#pick([0, 0.3, 0.7, 1]),
      error: this.#pick([0, 0.05, 0.2]),
      encodings: this.#pick([0, 0, 0.15, 0.4]),
      letters: this.#pick([0, 0.3]),
    };
    this.#writes = 'UTF8';
    const moves: Move[] = [];
    const turns = 1 + this.#below(6);
    for (let turn = 0; turn < turns; turn++) moves.push(...this.#turn());
    return moves;
  }

  /** Ends whatever a case has left open, so that the next begins anew; the answer to the last is the mark. */
  end(): { readonly moves: Move[]; readonly mark: string } {
    const mark = `end-${this.#number}`;
    const query = (text: string): Move => move(`Q ${text}`, 0x51, cstring(text));
    const moves = [copyFail(), sync(), query('rollback'), query('discard all'), query(`select '${mark}'`)];
    return { moves, mark };
  }

  #turn(): Move[] {
    if (this.#chance(0.35)) return [...this.#query(), ...this.#maybe(0.1, () => [sync()])];
    const count = 1 + this.#below(4);
    const moves = Array.from({ length: count }, () => this.#extended()).flat();
    return [...moves, ...this.#maybe(0.9, () => [this.#waiting(sync())])];
  }

  /** A Query, and the data for the COPYs in it. */
  #query(): Move[] {
    if (this.#chance(0.04)) return [this.#functionCall()];
    const count = this.#pick([1, 1, 1, 2, 3]);
    const texts = Array.from({ length: count }, () => this.#text());
    const text = texts.join(this.#pick([';', '; ', ' ;; ', ';-- it;\n', ';/* a;/* b */ */']));
    const data = texts.filter((one) => /copy t from/i.test(one)).flatMap(() => this.#copyData());
    const query = move(`Q ${text}`, 0x51, this.#cstring(text));
    return [data.length > 0 ? { ...query, waits: this.#chance(0.3) } : this.#waiting(query), ...data];
  }

  #extended(): Move[] {
    const kind = this.#below(100);
    if (kind < 45) return this.#chain();
    if (kind < 55) return [this.#parse(this.#name(), this.#text())];
    if (kind < 67)
      return [...this.#bind(this.#name(), this.#portal()), ...this.#maybe(0.7, () => [this.#execute()])];
    if (kind < 77) return [this.#execute()];
    if (kind < 85) return [this.#close()];
    if (kind < 92) return [this.#describe()];
    if (kind < 95) return [move('H', 0x48)];
    return this.#chance(0.5) ? this.#copyData() : [sync()];
  }

  /** Parse, Bind, perhaps Describe, Execute, as drivers do it. */
  #chain(): Move[] {
    const statement = this.#name();
    const portal = this.#portal();
    const text = this.#text();
    const copies = /copy t from/i.test(text);
    const max = this.#pick([0, 0, 0, 1, 2]);
    const moves = [
      this.#parse(statement, text),
      ...this.#bind(statement, portal, /\$1/.test(text) ? 1 : 0),
      ...this.#maybe(0.3, () => [this.#describing('P', portal)]),
      this.#executing(portal, max),
      ...this.#maybe(max > 0 ? 0.7 : 0.1, () => [this.#executing(portal, this.#pick([0, 1, 2]))]),
      ...(copies ? this.#copyData() : []),
    ];
    return this.#chance(this.#style.error) ? this.#damage(moves) : moves;
  }

  /** Leaves one out, or doubles it. */
  #damage(moves: Move[]): Move[] {
    const at = this.#below(moves.length);
    return this.#chance(0.5) ? moves.toSpliced(at, 1) : moves.toSpliced(at, 0, moves[at]!);
  }

  #parse(name: string, text: string): Move {
    return move(`P(${name}, ${text})`, 0x50, this.#cstring(name), this.#cstring(text), int16(0));
  }

  #bind(statement: string, portal: string, values = this.#pick([0, 0, 0, 1])): Move[] {
    const given = Array.from({ length: values }, () => this.#pick([null, 'v', "it's", 'é', this.#letter()]));
    const encoded = given.flatMap((value) =>
      value === null ? [int32(-1)] : lengthed(written(value, this.#writes)),
    );
    const counts = [int16(0), int16(values), ...encoded, int16(0)];
    const names = [this.#cstring(portal), this.#cstring(statement)];
    return [move(`B(${portal}, ${statement}, ${values})`, 0x42, ...names, ...counts)];
  }

  #execute(): Move {
    return this.#executing(this.#portal(), this.#pick([0, 0, 1, 3]));
  }

  #close(): Move {
    const what = this.#pick(['S', 'P'] as const);
    const name = what === 'S' ? this.#name() : this.#portal();
    return move(`C(${what}, ${name})`, 0x43, Buffer.from(what), this.#cstring(name));
  }

  #describe(): Move {
    return this.#chance(0.5) ? this.#describing('S', this.#name()) : this.#describing('P', this.#portal());
  }

  #executing(portal: string, max: number): Move {
    return move(`E(${portal}, ${max})`, 0x45, this.#cstring(portal), int32(max));
  }

  #describing(what: 'S' | 'P', name: string): Move {
    return move(`D(${what}, ${name})`, 0x44, Buffer.from(what), this.#cstring(name));
  }

  #cstring(text: string): Uint8Array {
    return Buffer.concat([written(text, this.#writes), Uint8Array.of(0)]);
  }

  /** `lo_creat`-like calls need a transaction; `pg_backend_pid` (2026) does not, and one with a wrong argument fails. */
  #functionCall(): Move {
    const oid = this.#pick([2026, 2026, 1]);
    return this.#waiting(move(`F(${oid})`, 0x46, int32(oid), int16(0), int16(0), int16(0)));
  }

  #copyData(): Move[] {
    const rows = Array.from({ length: this.#below(4) }, () => {
      const isBad = this.#chance(0.15);
      const lines = Array.from({ length: 1 + this.#below(2) }, () =>
        isBad ? 'bad\trow\n' : `${this.#below(100)}\n`,
      );
      return { ...data(lines.join('')), waits: this.#chance(0.1) };
    });
    const inside = this.#maybe(0.15, () => [this.#chance(0.5) ? sync() : move('H', 0x48)]);
    const end = this.#chance(0.85) ? move('c', 0x63) : copyFail();
    const after = this.#maybe(0.1, () => [data('9\n')]);
    return [...rows, ...inside, ...this.#maybe(0.95, () => [this.#waiting(end)]), ...after];
  }

  #text(): string {
    if (this.#chance(this.#style.encodings)) return this.#encodingChange();
    const mark = `m${++this.#mark}${this.#chance(this.#style.letters) ? this.#letter() : ''}`;
    const text = this.#statement(mark);
    return this.#chance(0.15) ? this.#dressed(text) : text;
  }

  /** The same command in other clothes. */
  #dressed(text: string): string {
    const way = this.#below(4);
    if (way === 0) return `/* a 'comment; */ ${text}`;
    if (way === 1) return `-- deallocate all;\n${text}`;
    if (way === 2) return text.replace(/^\w+/, (word) => word.toUpperCase());
    return text.replace(/^(\w+) /, '$1/**/\n');
  }

  #statement(mark: string): string {
    if (this.#chance(this.#style.error))
      return this.#pick([`select '${mark}'::int`, `selec ${mark}`, `select ${mark}`]);
    const kind = this.#below(100);
    if (kind < 26) return this.#query1(mark);
    if (kind < 40) return this.#change(mark);
    if (kind < 56) return this.#transaction();
    if (kind < 68) return this.#cursor(mark);
    if (kind < 88) return this.#sqlNames(mark);
    if (kind < 95)
      return this.#pick([
        'copy t from stdin',
        'copy t from stdin',
        `copy (select '${mark}') to stdout`,
        `copy (select '${mark}') to stdout with (encoding '${this.#pick(ENCODINGS)}')`,
      ]);
    return this.#other(mark);
  }

  /** By SET and its kin, and by code that shows it or not. */
  #encodingChange(): string {
    const encoding = this.#pick(ENCODINGS);
    if (this.#chance(0.7)) this.#writes = encoding;
    const local = this.#pick(['', '', 'local ', 'session ']);
    const isLocal = this.#chance(0.3);
    const letter = this.#letter();
    return this.#pick([
      `set ${local}client_encoding to '${encoding}'`,
      `set ${local}client_encoding = ${encoding}`,
      `set ${local}names '${encoding}'`,
      `set ${local}names default`,
      'reset client_encoding',
      'reset all',
      `select set_config('client_encoding', '${encoding}', ${isLocal})`,
      `select set_config('client_encoding', '${encoding}', ${isLocal}), '${letter}'`,
      `do $$ begin set ${isLocal ? 'local ' : ''}client_encoding to ${encoding}; raise notice '${letter}'; end $$`,
      `do $$ begin perform set_config('client_encoding', '${encoding}', ${isLocal}); raise exception '${letter}'; end $$`,
      `select encode_as('${encoding}', ${isLocal})`,
      `select encode_as('${encoding}', ${isLocal}), '${letter}'`,
      `create or replace function pg_temp.noticed(word text) returns text language plpgsql set client_encoding to ${encoding}
        as $f$ begin raise notice '%', word; return word; end $f$`,
      `select pg_temp.noticed('${letter}')`,
    ]);
  }

  #letter(): string {
    return this.#pick(LETTERS);
  }

  #query1(mark: string): string {
    const rows = this.#pick([1, 3, 5]);
    return this.#pick([
      `select '${mark}'`,
      `select '${mark}' from generate_series(1, ${rows})`,
      `select '${mark}', $1::text`,
      `values ('${mark}')`,
      `with w as (select '${mark}' as m) select m from w`,
      `(select '${mark}' union all select '${mark}')`,
      `select '${mark}', E'\\'; deallocate all; --', $$;prepare a as select 1;$$, ';"'`,
      `select '${mark}' as "a;""b", U&'\\0041;'`,
    ]);
  }

  #change(mark: string): string {
    return this.#pick([
      `insert into w values ('${mark}') returning m`,
      `insert into w values ('${mark}')`,
      `update w set m = '${mark}' where m < 'a' returning m`,
      `delete from w where m = '${mark}' returning '${mark}'`,
      `delete from w where m <> '${mark}'`,
    ]);
  }

  #transaction(): string {
    const point = this.#pick(POINTS);
    return this.#pick([
      'begin',
      'begin',
      'start transaction',
      'commit',
      'end work',
      'rollback',
      'abort',
      'commit and chain',
      `savepoint ${point}`,
      `savepoint ${point}`,
      `release ${point}`,
      `release savepoint ${point}`,
      `rollback to ${point}`,
      `rollback work to savepoint ${point}`,
    ]);
  }

  #cursor(mark: string): string {
    const name = this.#sqlPortal();
    const hold = this.#pick(['', '', ' with hold', ' without hold']);
    return this.#pick([
      `declare ${name} cursor${hold} for select '${mark}' from generate_series(1, 5)`,
      `declare ${name} no scroll cursor${hold} for select '${mark}' from generate_series(1, 5)`,
      `fetch ${name}`,
      `fetch 2 from ${name}`,
      `fetch forward all in ${name}`,
      `move ${name}`,
      `close ${name}`,
      'close all',
    ]);
  }

  #sqlNames(mark: string): string {
    const name = this.#sqlName();
    return this.#pick([
      `prepare ${name} as select '${mark}'`,
      `prepare ${name} as select '${mark}'`,
      `prepare ${name} (text) as select '${mark}', $1`,
      `prepare ${name} as delete from w where m = '${mark}' returning '${mark}'`,
      `deallocate ${name}`,
      `deallocate prepare ${name}`,
      'deallocate all',
      'discard all',
      'discard plans',
      `execute ${name}`,
      `execute ${name}`,
      `select rename('a', '${mark}')`,
      `do $$ begin execute 'prepare b as select ''${mark}'''; exception when others then null; end $$`,
      `execute ${name} ('v')`,
      `explain (costs off) execute ${name}`,
      `create temp table if not exists ${mark} as execute ${name}`,
    ]);
  }

  #other(mark: string): string {
    return this.#pick([
      '',
      ' ',
      ';',
      'set standard_conforming_strings = off',
      'reset standard_conforming_strings',
      `select '${mark}', '\\'';deallocate a;--'`,
      `do $$ begin execute 'deallocate a'; exception when others then null; end $$`,
      `do $$ begin execute 'prepare b as select ''${mark}'''; exception when others then null; end $$`,
      `select rename('a', '${mark}')`,
      'vacuum w',
      `explain select '${mark}'`,
      'listen l',
      `notify l, '${mark}'`,
      `set constraints all immediate`,
      `insert into late values (1), (1)`,
      `select pg_sleep(0.001), '${mark}'`,
    ]);
  }

  #name(): string {
    return this.#chance(0.2) ? this.#pick(LONG) : this.#pick(STATEMENTS);
  }

  #portal(): string {
    return this.#chance(0.1) ? this.#pick(LONG) : this.#pick(PORTALS);
  }

  #sqlName(): string {
    if (this.#chance(0.2)) return quoted(this.#pick(LONG));
    return this.#pick([
      'a',
      'A',
      '"a"',
      '"A"',
      'b',
      'B',
      'é',
      '"é"',
      '"Ã©"',
      'ソ',
      'U&"\\0061"',
      'U&"!00e9" uescape \'!\'',
      '"q""u"',
    ]);
  }

  #sqlPortal(): string {
    return this.#chance(0.1)
      ? this.#pick(LONG)
      : this.#pick(['p', 'P', '"p"', 'c', 'C', '"C"', 'é', '"Ã©"', 'U&"\\0070"']);
  }

  #waiting(one: Move): Move {
    return this.#chance(this.#style.waits) ? { ...one, waits: true } : one;
  }

  #maybe(chance: number, make: () => Move[]): Move[] {
    return this.#chance(chance) ? make() : [];
  }

  #chance(chance: number): boolean {
    return this.#random() < chance;
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#below(items.length)]!;
  }
}

function move(label: string, type: number, ...body: Uint8Array[]): Move {
  return { label, bytes: message(type, ...body), waits: false };
}

function sync(): Move {
  return move('S', 0x53);
}

function copyFail(): Move {
  return move('f', 0x66, cstring('given up'));
}

function data(text: string): Move {
  return move(`d(${JSON.stringify(text)})`, 0x64, Buffer.from(text));
}

function lengthed(bytes: Uint8Array): Uint8Array[] {
  return [int32(bytes.length), bytes];
}

function int16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
