/** Text that a terminal put out, found without drawing it: commands to the terminal are left out, those that move the cursor part words. */
import type { Tape } from './tape.ts';

export interface Hit {
  readonly at: number;
  /** The line around it. */
  readonly before: string;
  readonly text: string;
  readonly after: string;
}

export const HITS_MAX = 1_000;
const AROUND = 60;
/** What is kept of before, so that a text is found across pieces. */
const CARRIED = 2_000;
// oxlint-disable-next-line no-control-regex
const LOOKS = /\u001b\[[\d;:]*m/g;
const COMMANDS =
  // oxlint-disable-next-line no-control-regex
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-OQ-WYZ\\`-~])|[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]/g;

interface Piece {
  readonly from: number;
  readonly at: number;
}

/** Hits in their order. `isWanted`: nobody waits any longer. `progress`: the share that was looked through. */
export async function findInOutput(
  tape: Tape,
  wanted: string,
  isWanted: () => boolean,
  progress: (share: number) => void,
): Promise<readonly Hit[]> {
  const finder = new Finder(wanted);
  let place = { chunk: 0, index: 0 };
  let bytes = 0;
  while (isWanted() && finder.hits.length < HITS_MAX) {
    const found = await tape.next(place);
    if (found === undefined) break;
    for (const event of found.events.slice(found.place.index)) {
      if (event.kind !== 'output') continue;
      finder.take(event.bytes, event.at);
      bytes += event.bytes.length;
    }
    place = { chunk: found.place.chunk, index: found.events.length };
    progress(bytes / Math.max(1, tape.outputBytes));
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  finder.end();
  return finder.hits;
}

/** Text of pieces, as far as it is put together, and when each began. */
class Finder {
  readonly hits: Hit[] = [];
  readonly #wanted: string;
  readonly #decoder = new TextDecoder();
  #raw = '';
  #text = '';
  #pieces: Piece[] = [];
  /** Up to there it was looked through. */
  #looked = 0;

  constructor(wanted: string) {
    this.#wanted = wanted.toLowerCase();
  }

  take(bytes: Uint8Array, at: number): void {
    const raw = this.#raw + this.#decoder.decode(bytes, { stream: true });
    const cut = cutOf(raw);
    this.#raw = raw.slice(cut);
    this.#pieces.push({ from: this.#text.length, at });
    this.#text += plain(raw.slice(0, cut));
    if (this.#text.length > 4 * CARRIED) this.#look();
  }

  end(): void {
    this.#text += plain(this.#raw);
    this.#look();
  }

  #look(): void {
    const lower = this.#text.toLowerCase();
    // Letters whose lower case is longer would move what follows.
    const text = lower.length === this.#text.length ? lower : this.#text;
    for (
      let at = text.indexOf(this.#wanted, this.#looked);
      at !== -1;
      at = text.indexOf(this.#wanted, at + 1)
    ) {
      if (this.hits.length >= HITS_MAX) break;
      this.hits.push(this.#hit(at));
      this.#looked = at + 1;
    }
    this.#looked = Math.max(this.#looked, this.#text.length - this.#wanted.length + 1, 0);
    this.#forget();
  }

  #hit(at: number): Hit {
    const end = at + this.#wanted.length;
    const line = this.#text.lastIndexOf('\n', at - 1) + 1;
    const [after = ''] = this.#text.slice(end, end + AROUND).split('\n', 1);
    // It is there once its last piece is.
    const piece = this.#pieces.findLast(({ from }) => from < end);
    return {
      at: piece?.at ?? 0,
      before: this.#text.slice(Math.max(line, at - AROUND), at),
      text: this.#text.slice(at, end),
      after,
    };
  }

  #forget(): void {
    const gone = Math.max(0, this.#text.length - CARRIED);
    this.#text = this.#text.slice(gone);
    this.#looked = Math.max(0, this.#looked - gone);
    const kept = this.#pieces.filter(({ from }, index) => (this.#pieces[index + 1]?.from ?? from) >= gone);
    this.#pieces = kept.map(({ from, at }) => ({ from: from - gone, at }));
  }
}

/** A command that may go on stays for later; one that never ends does not. */
function cutOf(raw: string): number {
  const last = raw.lastIndexOf('\u001b');
  if (last === -1 || raw.length - last > CARRIED) return raw.length;
  COMMANDS.lastIndex = last;
  const match = COMMANDS.exec(raw);
  const isWhole = match?.index === last && last + match[0].length < raw.length;
  return isWhole ? raw.length : last;
}

function plain(raw: string): string {
  return raw
    .replace(LOOKS, '')
    .replaceAll('\r\n', '\n')
    .replace(COMMANDS, (command) => (command.startsWith('\u001b[') ? ' ' : ''))
    .replaceAll('\u001b', '');
}
