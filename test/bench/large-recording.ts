/** A recording of PostgreSQL messages of any size, by the recorder itself. */
import { cstring, message } from '#core/protocols/postgres/wire.ts';
import { type Opening, Recorder, type RecorderPorts } from '#core/recording/recorder.ts';
import { SLAB_BYTES, SlabWriter } from '#core/recording/slab.ts';
import { LOGIN, server } from '#test/core/replay/support.ts';

type Ports = Pick<RecorderPorts, 'sink' | 'signer' | 'index' | 'leaves'>;

/** Ends with the first answer after so many bytes. The journal keeps nothing: nobody dies here. */
export async function recordLarge(
  opening: Opening,
  most: number,
  ports: Ports,
): Promise<{ readonly bytes: number; readonly frames: number; readonly us: number }> {
  const recorder = new Recorder({
    ...ports,
    journal: { append: async () => undefined, release: () => undefined },
    lease: { isHeld: true, task: 'task-1' },
  });
  await recorder.open(1, opening, 0);
  let slab = new SlabWriter(new ArrayBuffer(SLAB_BYTES));
  const commit = async (at: number): Promise<void> => {
    await recorder.commit([{ ...slab.range, at }]);
    slab = new SlabWriter(new ArrayBuffer(SLAB_BYTES));
  };
  let [bytes, frames, at] = [0, 0, 0];
  for (const [stream, payload] of conversation()) {
    at += 100;
    if (!slab.fits(payload.length)) await commit(at / 1000);
    slab.append(1, stream, 0, at, payload, payload.length, at / 1000);
    [bytes, frames] = [bytes + payload.length, frames + 1];
    if (bytes >= most && stream === TARGET) break;
  }
  await commit(at / 1000);
  const endedAt = new Date(Date.parse(opening.startedAt) + at / 1000).toISOString();
  await recorder.close(1, { reason: 'client-closed', endedAt, at: Math.ceil(at / 1000) });
  return { bytes, frames, us: at };
}

const CLIENT = 0;
const TARGET = 1;
const DIGITS = 10;

/** A login, then statements without end: most are small, some bring many rows, some write, a few fail. */
function* conversation(): Generator<readonly [stream: 0 | 1 | 2 | 3, payload: Uint8Array]> {
  for (const [stream, ...messages] of LOGIN)
    yield [stream === 'client' ? CLIENT : stream === 'target' ? TARGET : 2, Buffer.concat(messages)];
  const kinds = KINDS.map(([text, answer]) => {
    const asked = Buffer.from(message(0x51, cstring(text)));
    const said = Buffer.concat(answer);
    return { asked, at: asked.indexOf('0'.repeat(DIGITS)), said, marks: placesOf(said) };
  });
  for (let n = 0; ; n += 1) {
    const kind =
      n % 5000 === 4_321 ? kinds[3]! : n % 400 === 7 ? kinds[2]! : n % 10 === 3 ? kinds[1]! : kinds[0]!;
    const digits = String(1_000_000_000 + n);
    kind.asked.write(digits, kind.at, 'latin1');
    for (const place of kind.marks) kind.said.write(digits, place, 'latin1');
    yield [CLIENT, kind.asked];
    yield [TARGET, kind.said];
  }
}

const ID = '0'.repeat(DIGITS);
const COLUMNS = server.columns(['id', 23], ['customer', 25], ['note', 25]);
const rowOf = (n: number): Uint8Array =>
  server.row(`${ID}${n}`, `customer ${n}`, 'a note on this order '.repeat(3));
const rows = (count: number): Uint8Array[] => [
  COLUMNS,
  ...Array.from({ length: count }, (_, n) => rowOf(n)),
  server.tag(`SELECT ${count}`),
  server.ready,
];
const KINDS: readonly (readonly [text: string, answer: Uint8Array[]])[] = [
  [`SELECT id, customer, note FROM orders WHERE id = ${ID}`, rows(1)],
  [`UPDATE orders SET note = 'seen' WHERE id = ${ID}`, [server.tag('UPDATE 1'), server.ready]],
  [`SELECT id, customer, note FROM orders WHERE region = ${ID}`, rows(5_000)],
  [
    `SELECT missing FROM orders WHERE id = ${ID}`,
    [server.error('column "missing" does not exist'), server.ready],
  ],
];

function placesOf(bytes: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(ID); at !== -1 && places.length < 8; at = bytes.indexOf(ID, at + DIGITS))
    places.push(at);
  return places;
}
