import type { Shown } from '../../step.ts';
import type { ChannelProgram, ChannelReader, Direction } from '../channel-reader.ts';
import type { SshOutcome } from '../step.ts';
import type { ShownGit } from './file-step.ts';
import type { GitCommand } from './git-command.ts';
import { GitPack } from './git-pack.ts';
import { GitCutter, type GitSpecial } from './git-packets.ts';
import { GitRefs, isObjectId, latin } from './git-refs.ts';
import { type Emit, guarded, type Reading } from './reading.ts';
import { PATH_MAX, shownText } from './shown.ts';

const LIST_MAX = 100;
const LINE_MAX = 1024;

/** Reads what git-upload-pack, git-receive-pack and git-upload-archive say to their clients. One step of all of it, at its end. */
export function gitReader({ channel }: ChannelProgram, command: GitCommand): ChannelReader {
  return guarded(channel, (emit) => new GitReading(channel, command, emit));
}

/**
 * gitprotocol-pack and gitprotocol-v2. Which part of the talk a packet belongs to is seen from what it begins with: ids of objects
 * are in digits, words in letters, and parts of a stream that holds packs, progress and errors (side-band) in a byte from 1 to 3.
 */
class GitReading implements Reading {
  readonly #channel: number;
  readonly #command: GitCommand;
  readonly #emit: Emit;
  readonly #refs = new GitRefs();
  readonly #pack: GitPack;
  readonly #client: GitCutter;
  readonly #target: GitCutter;
  /** The report of a push within side-band. */
  readonly #report: GitCutter;
  readonly #shallow: string[] = [];
  readonly #options: Shown[] = [];
  #version: 0 | 1 | 2 = 0;
  #capabilities = '';
  #filter: Shown | undefined;
  #signed = false;
  #error: Shown | undefined;
  #unpacked = false;
  #packOver = false;
  /** Updates are all said: options of the push may follow. */
  #updatesOver = false;
  #since: number | undefined;
  #withheld = false;

  constructor(channel: number, command: GitCommand, emit: Emit) {
    this.#channel = channel;
    this.#command = command;
    this.#emit = emit;
    this.#pack = new GitPack(command.operation !== 'archive');
    const pack = (part: Uint8Array): void => this.#pack.take(part, this.#withheld);
    this.#client = new GitCutter({
      packet: (content) => this.#fromClient(content),
      special: (kind) => this.#clientSpecial(kind),
      pack,
    });
    this.#target = new GitCutter({
      packet: (content) => this.#fromTarget(content),
      special: (kind) => this.#targetSpecial(kind),
      pack,
    });
    this.#report = new GitCutter({
      packet: (content) => this.#reported(lineOf(content)),
      special: () => undefined,
      pack: () => undefined,
    });
  }

  take(direction: Direction, bytes: Uint8Array, at: number, withheld: boolean): void {
    this.#since ??= at;
    this.#withheld = withheld;
    if (direction === 'in') this.#client.take(bytes);
    else if (direction === 'out') this.#target.take(bytes);
  }

  end(at: number): void {
    const outcome = this.#outcome();
    const since = this.#since ?? at;
    const of = { channel: this.#channel, ...(outcome === undefined ? {} : { outcome }) };
    this.#emit({ kind: 'git', at: since, took: at - since, ...of, git: this.#shown() });
  }

  #fromClient(content: Uint8Array): void {
    const line = lineOf(content);
    if (this.#command.operation === 'push') this.#pushed(line);
    else if (this.#command.operation === 'archive') this.#option(line.replace(/^argument /, ''));
    else this.#asked(line);
  }

  /** Of a fetch. */
  #asked(line: string): void {
    const [word = '', ...rest] = line.split(' ');
    const value = rest[0] ?? '';
    if (word === 'want' && isObjectId(value)) {
      this.#refs.wanted(value);
      if (rest.length > 1) this.#capabilities = rest.slice(1).join(' ');
    } else if (word === 'want-ref') this.#refs.wantedByName(value);
    else if (word === 'filter') this.#filter = latin(rest.join(' '));
    else if (word.startsWith('deepen') && this.#shallow.length < LIST_MAX)
      this.#shallow.push(line.slice(0, LINE_MAX));
    else if (word.startsWith('server-option=')) this.#option(line.slice('server-option='.length));
  }

  #pushed(line: string): void {
    const nul = line.indexOf('\0');
    if (nul >= 0) this.#capabilities = line.slice(nul + 1);
    const words = nul < 0 ? line : line.slice(0, nul);
    if (this.#updatesOver) return this.#option(words);
    if (words === 'push-cert') this.#signed = true;
    const [from = '', to = '', ...name] = words.split(' ');
    if (isObjectId(from) && isObjectId(to) && name.length > 0) this.#refs.update(from, to, name.join(' '));
  }

  #option(text: string): void {
    if (this.#options.length < LIST_MAX) this.#options.push(latin(text));
  }

  #clientSpecial(kind: GitSpecial): void {
    if (kind === 'flush') this.#updatesOver = true;
  }

  #fromTarget(content: Uint8Array): void {
    const band = content[0];
    if (band !== undefined && band <= 3 && this.#mayBand()) return this.#banded(band, content.subarray(1));
    this.#told(lineOf(content));
  }

  /** Before that it can be no part of a stream. */
  #mayBand(): boolean {
    return this.#command.operation !== 'fetch' || this.#refs.changed > 0;
  }

  #banded(band: number, part: Uint8Array): void {
    if (band === 3) this.#error = latin(lineOf(part));
    else if (band === 1 && this.#command.operation === 'push') this.#report.take(part);
    else if (band === 1) this.#pack.take(part, this.#withheld);
  }

  #told(line: string): void {
    const nul = line.indexOf('\0');
    const words = nul < 0 ? line : line.slice(0, nul);
    const space = words.indexOf(' ');
    const first = space < 0 ? words : words.slice(0, space);
    if (words === 'version 1' || words === 'version 2') this.#version = words === 'version 1' ? 1 : 2;
    else if (first === 'ERR') this.#error = latin(words.slice(4));
    else if (words === 'packfile') this.#pack.next();
    else if (isObjectId(first)) this.#advertised(first, words.slice(space + 1));
    else if (this.#command.operation === 'push') this.#reported(words);
  }

  /** Version 2 says more behind a name: where a symbolic ref leads, what a tag is of. */
  #advertised(id: string, rest: string): void {
    const name = this.#version === 2 ? rest.replace(/ (?:symref-target|peeled):.*$/, '') : rest;
    if (name !== 'capabilities^{}' && !name.endsWith('^{}')) this.#refs.told(id, name);
  }

  #reported(line: string): void {
    const [word, name = '', ...why] = line.split(' ');
    if (word === 'unpack') {
      this.#unpacked = true;
      if (name !== 'ok' || why.length > 0) this.#error = latin([name, ...why].join(' '));
    } else if (word === 'ok') this.#refs.status(name, 'ok', true);
    else if (word === 'ng') this.#refs.status(name, why.join(' '), false);
  }

  #targetSpecial(kind: GitSpecial): void {
    if (kind === 'flush' && this.#pack.begun) this.#packOver = true;
  }

  #outcome(): SshOutcome | undefined {
    if (this.#error !== undefined || this.#refs.bad > 0) return 'failed';
    switch (this.#command.operation) {
      case 'push':
        if (this.#refs.changed === 0 || this.#unpacked) return 'completed';
        // Who asks for no report gets none.
        return /\breport-status/.test(this.#capabilities) ? 'unfinished' : undefined;
      case 'fetch':
        if (this.#refs.changed === 0 || this.#packOver) return 'completed';
        // Nothing tells the end of a pack that comes without side-band.
        return this.#pack.begun && this.#version !== 2 && !/\bside-band/.test(this.#capabilities)
          ? undefined
          : 'unfinished';
      case 'archive':
        return this.#packOver ? 'completed' : 'unfinished';
    }
  }

  #shown(): ShownGit {
    const { operation, repository } = this.#command;
    const { advertised, list: refs, changed } = this.#refs;
    return {
      operation,
      repository: shownText(repository, PATH_MAX),
      ...(operation === 'archive' ? {} : { version: this.#version, advertised }),
      refs,
      changed,
      ...(this.#shallow.length > 0 ? { shallow: this.#shallow } : {}),
      ...(this.#filter === undefined ? {} : { filter: this.#filter }),
      ...(this.#signed ? { signed: true } : {}),
      ...(this.#options.length > 0 ? { options: this.#options } : {}),
      ...this.#pack.shown(),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }
}

/** As Latin-1, so that no byte is lost, and without its line feed. */
function lineOf(content: Uint8Array): string {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
