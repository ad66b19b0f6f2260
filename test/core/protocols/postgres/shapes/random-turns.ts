import { cstring, int32, message } from '#core/protocols/postgres/wire.ts';
import type { Random } from '#test/fuzz/mutate.ts';

export const query = (text: string): Uint8Array => message(0x51, cstring(text));
const NONE = Uint8Array.of(0, 0);
const SYNC = message(0x53);

/** Sessions that insert numbers in every way that there is, in transactions of every kind, with errors in between. */
export class RandomTurns {
  readonly #random: Random;
  #number = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  turn(): { readonly bytes: Uint8Array; readonly readies: number } {
    if (this.#chance(0.3)) return this.#transaction();
    if (this.#chance(0.5)) return this.#simple();
    const count = 1 + this.#below(4);
    const moves = Array.from({ length: count }, () => this.#extended());
    return { bytes: Buffer.concat([...moves.flat(), SYNC]), readies: 1 };
  }

  /** One that mostly commits, with savepoints that are there. */
  #transaction(): { readonly bytes: Uint8Array; readonly readies: number } {
    const points: string[] = [];
    const texts = Array.from({ length: 3 + this.#below(8) }, () => {
      const kind = this.#below(10);
      const point = this.#pick(points.length > 0 ? points : ['a']);
      if (kind < 5 || (kind > 6 && points.length === 0)) return `insert into log values (${++this.#number})`;
      if (kind < 7) {
        points.push(this.#pick(['a', 'b', '"B"']));
        return `savepoint ${points.at(-1)}`;
      }
      points.splice(points.lastIndexOf(point) + (kind === 7 ? 0 : 1));
      return kind === 7 ? `release ${point}` : `rollback to ${point}`;
    });
    const all = ['rollback', 'begin', ...texts, this.#pick(['commit', 'commit', 'commit', 'rollback'])];
    const isOne = this.#chance(0.3);
    const bytes = isOne ? query(all.join(';')) : Buffer.concat(all.map(query));
    return { bytes, readies: isOne ? 1 : all.length };
  }

  #simple(): { readonly bytes: Uint8Array; readonly readies: number } {
    const count = this.#pick([1, 1, 1, 2, 3]);
    const texts = Array.from({ length: count }, () => this.#text(true));
    const copies = texts.filter((text) => text.startsWith('copy')).map(() => this.#copyData());
    return { bytes: Buffer.concat([query(texts.join('; ')), ...copies.flat()]), readies: 1 };
  }

  #extended(): Uint8Array[] {
    const text = this.#text(false);
    const isBound = text.startsWith('insert') && this.#chance(0.5);
    const n = /\((\d+)\)/.exec(text)?.[1] ?? '';
    const parse = message(0x50, cstring(''), cstring(isBound ? text.replace(/\(\d+\)/, '($1)') : text), NONE);
    const values = isBound ? [Uint8Array.of(0, 1), int32(n.length), Buffer.from(n)] : [Uint8Array.of(0, 0)];
    const bind = message(0x42, cstring(''), cstring(''), NONE, ...values, NONE);
    const describe = this.#chance(0.5) ? [message(0x44, Buffer.from('P'), cstring(''))] : [];
    const max = text.startsWith('select') ? this.#pick([0, 2, 2]) : 0;
    const execute = message(0x45, cstring(''), int32(max));
    return [parse, bind, ...describe, execute, ...(max > 0 && this.#chance(0.5) ? [execute] : [])];
  }

  #text(withCopy: boolean): string {
    const kind = this.#below(100);
    if (kind < 40) return `insert into log values (${++this.#number})${this.#pick(['', ' returning n'])}`;
    if (kind < 50) return `select * from generate_series(1, ${this.#below(5)})`;
    if (kind < 56) return this.#pick(['select 1/0', 'selec 1', 'insert into log values (null)']);
    if (kind < 68 && withCopy) return 'copy log from stdin';
    return this.#pick([
      'begin',
      'begin',
      'commit',
      'commit',
      'rollback',
      'commit and chain',
      'rollback and chain',
      'savepoint a',
      'savepoint a',
      'savepoint b',
      'rollback to a',
      'rollback to savepoint b',
      'release a',
      'update t set n = 1 where n = 0',
    ]);
  }

  #copyData(): Uint8Array[] {
    const lines = Array.from({ length: this.#below(3) }, () =>
      message(0x64, Buffer.from(`${++this.#number}\n`)),
    );
    return [...lines, this.#chance(0.8) ? message(0x63) : message(0x66, cstring('given up'))];
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
