/** What a terminal of the bench shows, as the API tells it. */
export const FRAMES_A_SECOND = 30;
export const PLAYED_SECONDS = 10;
export const HOUR_SECONDS = 3600;
const SIZE = { columns: 200, rows: 60 };
const ESC = '\u001b';

export function sixLines(n: number): string {
  const line = (at: number): string =>
    `${ESC}[${at * 9 + 1};1H${ESC}[3${at}mframe ${n} ${'#'.repeat((n * 7 + at * 31) % 180)}${ESC}[K`;
  return [0, 1, 2, 3, 4, 5].map(line).join('');
}

export function everyCell(n: number): string {
  const line = (at: number): string =>
    `${ESC}[${at + 1};1H${ESC}[3${at % 8}m${`frame ${n} ${(n * 7919 + at * 104_729) % 1e9} `.repeat(12).slice(0, SIZE.columns)}`;
  return Array.from({ length: SIZE.rows }, (_, at) => line(at)).join('');
}

export function framesOf(frame: (n: number) => string): string {
  const tape = new MadeTape();
  const count = FRAMES_A_SECOND * PLAYED_SECONDS;
  for (let n = 0; n < count; n += 1)
    tape.add((n / FRAMES_A_SECOND) * 1e6, { kind: 'output', bytes: base64(frame(n)) });
  return tape.ended();
}

export function hourOf(): string {
  const tape = new MadeTape();
  for (let n = 0; n < HOUR_SECONDS * 10; n += 1)
    tape.add(n * 1e5, {
      kind: 'output',
      bytes: base64(`second ${Math.floor(n / 10)} ${'of an hour '.repeat(20)}\r\n`),
    });
  return tape.ended();
}

/** A terminal's events as the API tells them. */
class MadeTape {
  readonly #events: string[] = [];

  constructor() {
    this.add(0, { kind: 'start', ...SIZE, isTerminal: true });
  }

  add(at: number, event: object): void {
    const n = this.#events.length + 1;
    const data = JSON.stringify({ n, at: Math.round(at), ...event });
    this.#events.push(`id: ${n}\nevent: terminal\ndata: ${data}\n\n`);
  }

  ended(): string {
    const end = JSON.stringify({ of: 'session', reason: 'client-closed', verdict: 'verified' });
    return `${this.#events.join('')}event: end\ndata: ${end}\n\n`;
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
