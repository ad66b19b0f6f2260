import { dataId, readAnswer, type SftpAnswer, SftpStatus } from '#core/protocols/ssh/files/sftp-answers.ts';
import { readRequest, type SftpRequest } from '#core/protocols/ssh/files/sftp-requests.ts';
import { SftpCutter } from '#core/protocols/ssh/files/sftp-stream.ts';
import { violation } from '#core/protocols/ssh/wire.ts';
import type { ChannelProgram, ChannelReader, Direction } from '../channel-reader.ts';
import type { SshOutcome, SshStep } from '../step.ts';
import { fileNoteOf, fileNoteStep } from './file-note.ts';
import type { ShownFile } from './file-step.ts';
import { type Emit, guarded, type Reading } from './reading.ts';
import { type Asked, askedBy, opened } from './sftp-asked.ts';
import { type Transfer, Transfers } from './sftp-transfers.ts';
import { PATH_MAX, shownBytes } from './shown.ts';

/** Clients ask for a whole file at once: of 4 GiB in usual parts. */
const PENDING_MAX = 131_072;
/** Paths of requests that wait for their answers. Beyond, of each only the beginning is kept. */
const TEXTS_MAX = 8 << 20;
const TEXT_MIN = 256;
/** The gateway tells of a file as soon as it is closed. */
const UNTOLD_MAX = 1024;
const ERROR_MAX = 1024;
const VERSION = 3;

interface Pending {
  readonly kind: SftpRequest['kind'];
  readonly at: number;
  readonly asked: Asked | undefined;
  readonly transfer: Transfer | undefined;
  /** Of read. */
  readonly offset: number;
  /** Bytes of its texts. */
  readonly texts: number;
}

/** Reads a session of SFTP version 3. */
export function sftpReader({ channel, text }: ChannelProgram): ChannelReader {
  return guarded(channel, (emit) => new SftpReading(channel, Math.min(text, PATH_MAX), emit));
}

/**
 * Follows each handle from OPEN to CLOSE. Answers to what no client asked are the target's to the gateway's own questions, and are
 * passed over.
 */
class SftpReading implements Reading {
  readonly #channel: number;
  readonly #limit: number;
  readonly #emit: Emit;
  readonly #transfers = new Transfers();
  /** By id. Who uses one id twice gets answers in the order of the requests. */
  readonly #pending = new Map<number, Pending[]>();
  readonly #client: SftpCutter;
  readonly #target: SftpCutter;
  readonly #gateway: SftpCutter;
  /** Closed, while the gateway has not told what passed. */
  #untold: { readonly transfer: Transfer; readonly step: SshStep }[] = [];
  #waiting = 0;
  #texts = 0;
  #now = 0;
  #withheld = false;
  #writing: Transfer | undefined;
  #reading: Transfer | undefined;

  constructor(channel: number, limit: number, emit: Emit) {
    this.#channel = channel;
    this.#limit = limit;
    this.#emit = emit;
    this.#client = new SftpCutter('client', {
      whole: (bytes) => this.#request(readRequest(bytes)),
      begin: (head) => this.#request(readRequest(head)),
      content: (part) => this.#writing?.passed.upload.take(part, this.#withheld),
      end: () => undefined,
    });
    this.#target = new SftpCutter('target', {
      whole: (bytes) => this.#answer(readAnswer(bytes), false),
      begin: (head) => this.#data(head),
      content: (part) => this.#reading?.passed.download.take(part, this.#withheld),
      end: () => this.#dataEnd(),
    });
    this.#gateway = new SftpCutter('target', {
      whole: (bytes) => this.#answer(readAnswer(bytes), true),
      begin: () => undefined,
      content: () => undefined,
      end: () => undefined,
    });
  }

  take(direction: Direction, bytes: Uint8Array, at: number, withheld: boolean): void {
    this.#now = at;
    this.#withheld = withheld;
    if (direction === 'in') this.#client.take(bytes);
    else if (direction === 'out') this.#target.take(bytes);
  }

  said(bytes: Uint8Array, at: number): void {
    this.#now = at;
    this.#gateway.take(bytes);
  }

  note(note: Readonly<Record<string, unknown>>, at: number): void {
    const told = fileNoteOf(note);
    if (told === undefined) return;
    if (told.unfinished) this.#leave(at);
    const of = this.#untold.findIndex(
      ({ step: { file } }) => file?.direction === told.direction && told.isOf(file.path),
    );
    const [untold] = of < 0 ? [] : this.#untold.splice(of, 1);
    if (untold !== undefined) this.#emit(fileNoteStep(untold.step, told, untold.transfer));
  }

  end(at: number): void {
    this.#leave(at);
    for (const { step } of this.#untold.splice(0)) this.#emit(step);
    for (const { asked, at: since } of [...this.#pending.values()].flat())
      if (asked !== undefined && asked.when !== 'denied') this.#tell(asked.file, since, at, 'unfinished');
    this.#pending.clear();
  }

  #request(request: SftpRequest): void {
    this.#writing = undefined;
    if (request.kind === 'init') return;
    if (this.#waiting >= PENDING_MAX)
      throw violation(`more than ${PENDING_MAX} requests of SFTP wait for their answers`);
    const pending = this.#pendingOf(request);
    const same = this.#pending.get(request.id);
    if (same === undefined) this.#pending.set(request.id, [pending]);
    else same.push(pending);
    this.#waiting += 1;
    this.#texts += pending.texts;
  }

  #pendingOf(request: SftpRequest): Pending {
    const limit = this.#texts > TEXTS_MAX ? TEXT_MIN : this.#limit;
    const asked = askedBy(request, this.#transfers, limit);
    const transfer =
      opened(request, this.#now, limit) ??
      ('handle' in request ? this.#transfers.find(request.handle) : undefined);
    if (transfer !== undefined) this.#begun(request, transfer);
    const texts = [asked?.file.path, asked?.file.newPath].reduce(
      (sum, shown) => sum + (shown?.text.length ?? 0),
      0,
    );
    const offset = request.kind === 'read' ? request.offset : 0;
    return { kind: request.kind, at: this.#now, asked, transfer, offset, texts };
  }

  #begun(request: SftpRequest, transfer: Transfer): void {
    transfer.waiting += 1;
    if (request.kind === 'close') this.#transfers.closing(request.handle);
    if (request.kind === 'copy-data') {
      const into = this.#transfers.find(request.to);
      if (into !== undefined) into.copied = true;
    }
    if (request.kind === 'write' && transfer.sides.includes('upload')) {
      this.#writing = transfer;
      transfer.passed.upload.runs.at(request.offset);
    }
  }

  /** `undefined` where it answers a question of the gateway's. */
  #answered(id: number): Pending | undefined {
    const same = this.#pending.get(id);
    const pending = same?.shift();
    if (same?.length === 0) this.#pending.delete(id);
    if (pending === undefined) return undefined;
    this.#waiting -= 1;
    this.#texts -= pending.texts;
    return pending;
  }

  #answer(answer: SftpAnswer, byGateway: boolean): void {
    if (answer.kind === 'version') {
      if (answer.version === VERSION) return;
      throw violation(`the target speaks version ${answer.version} of SFTP, which is not read`);
    }
    const pending = this.#answered(answer.id);
    if (pending === undefined) return;
    const { transfer } = pending;
    if (transfer !== undefined) effect(pending.kind, transfer, answer);
    if (answer.kind === 'handle' && transfer !== undefined && opens(pending.kind))
      this.#transfers.add(answer.handle, transfer);
    if (pending.asked !== undefined) this.#tellAsked(pending, pending.asked, answer, byGateway);
    if (transfer !== undefined) this.#settle(transfer);
  }

  #tellAsked({ at }: Pending, { when, file }: Asked, answer: SftpAnswer, byGateway: boolean): void {
    if (answer.kind !== 'status' || answer.code === SftpStatus.ok) {
      if (when === 'always') this.#tell(file, at, this.#now, 'completed');
      return;
    }
    // That nothing is there the gateway says in the target's place.
    const denied = byGateway && answer.code !== SftpStatus.noSuchFile;
    if (when === 'denied' && !denied) return;
    const error = shownBytes(answer.words, ERROR_MAX);
    this.#tell({ ...file, error, status: answer.code }, at, this.#now, denied ? 'denied' : 'refused');
  }

  #tell(file: ShownFile, since: number, until: number, outcome: SshOutcome): void {
    this.#emit({ kind: 'file', at: since, took: until - since, channel: this.#channel, outcome, file });
  }

  #data(head: Uint8Array): void {
    const pending = this.#answered(dataId(head));
    this.#reading = pending?.kind === 'read' ? pending.transfer : undefined;
    this.#reading?.passed.download.runs.at(pending!.offset);
  }

  #dataEnd(): void {
    const transfer = this.#reading;
    this.#reading = undefined;
    if (transfer !== undefined) this.#settle(transfer);
  }

  /** One of its requests is answered. */
  #settle(transfer: Transfer): void {
    if (!this.#transfers.answered(transfer)) return;
    this.#over(transfer, transfer.outcome, this.#now);
  }

  /** The channel is over. */
  #leave(at: number): void {
    for (const transfer of this.#transfers.left()) this.#over(transfer, 'unfinished', at);
  }

  #over(transfer: Transfer, outcome: SshOutcome, until: number): void {
    for (const step of this.#stepsOf(transfer, outcome, until)) {
      if (!step.file?.withheld) this.#emit(step);
      else if (this.#untold.push({ transfer, step }) > UNTOLD_MAX) this.#emit(this.#untold.shift()!.step);
    }
  }

  #stepsOf(transfer: Transfer, outcome: SshOutcome, until: number): SshStep[] {
    const { at } = transfer;
    return transfer.shown().map((file) => ({
      kind: 'file',
      at,
      took: until - at,
      channel: this.#channel,
      outcome,
      file: outcome === 'unfinished' && file.whole !== undefined ? { ...file, whole: false } : file,
    }));
  }
}

function opens(kind: SftpRequest['kind']): boolean {
  return kind === 'open' || kind === 'opendir';
}

/** What an answer says of an open file. */
function effect(kind: SftpRequest['kind'], transfer: Transfer, answer: SftpAnswer): void {
  const failed = answer.kind === 'status' && answer.code !== SftpStatus.ok;
  if (kind === 'close') transfer.closed = true;
  if (kind === 'readdir' && answer.kind === 'name') transfer.entries += answer.names.length;
  if (kind === 'fstat' && answer.kind === 'attributes') transfer.size = answer.attributes.size;
  if (!failed) return;
  if (kind === 'read' && answer.code === SftpStatus.eof) transfer.end = true;
  else if (kind === 'read' || kind === 'write' || kind === 'close')
    transfer.refusedBy({ error: shownBytes(answer.words, ERROR_MAX), status: answer.code });
  if (kind === 'write') transfer.failed += 1;
}
