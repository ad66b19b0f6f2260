import { asCustodyError } from '#core/errors.ts';
import type { ChannelGate, GateHands } from '../channels/gate.ts';
import { violation } from '../wire.ts';
import type { FileRights } from './file-rights.ts';
import { dataId, encodeInit, encodeStatus, readAnswer, type SftpAnswer, SftpStatus } from './sftp-answers.ts';
import { type OpenFile, SftpFiles } from './sftp-files.ts';
import { filesOf, judge, namedPaths, type Verdict } from './sftp-judge.ts';
import { type Asked, PathQuestions } from './sftp-questions.ts';
import { readRequest, type SftpRequest } from './sftp-requests.ts';
import { SftpCutter } from './sftp-stream.ts';

/** Open files that one channel may have. */
const FILES_MAX = 1024;
/** Requests without an answer: some clients ask for all parts of a file at once, of 4 GiB in usual parts. */
const PENDING_MAX = 131_072;
/** What a client sends while the target is asked where a path leads. */
const WAITING_MAX = 16_384;
const WAITING_BYTES_MAX = 8 << 20;
/** Refusals that get a note each; the client's requests are on the tape in any case. */
const REFUSALS_NOTED = 256;
const VERSION = 3;

/** A request that has no answer yet. */
type Pending =
  | {
      readonly kind: 'request';
      readonly of: SftpRequest['kind'];
      /** Of a READ. */
      readonly offset: number;
      readonly files: readonly OpenFile[];
    }
  /** The gateway's own question. */
  | { readonly kind: 'own' }
  /** The gateway's answer, which waits for those to what was asked before. */
  | { readonly kind: 'refused'; readonly answer: Uint8Array };

export interface SftpGateOptions {
  readonly rights: FileRights;
  /** Contents stand as zeros on the tape, and notes say what passed. */
  readonly digests: boolean;
  /** A number below 2^32 that the client cannot foresee. */
  readonly random: () => number;
}

/**
 * Lets pass of an SFTP session what a rule's `files` allows (security case 4), and takes digests of what passes. Requests go on in
 * the order in which they came: one whose paths have to be looked at first holds back those after it. What the gateway asks the
 * target for that bears ids that the client has not in use, and the answers do not go on.
 */
export class SftpGate implements ChannelGate {
  readonly #options: SftpGateOptions;
  readonly #files: SftpFiles;
  readonly #pending = new Map<number, Pending>();
  readonly #questions: PathQuestions;
  readonly #client: SftpCutter;
  readonly #target: SftpCutter;
  /** Copies of what came while the target is asked. */
  #waiting: { readonly bytes: Uint8Array; readonly content: boolean }[] = [];
  #waitingBytes = 0;
  #hands: GateHands | undefined;
  #started = false;
  #dead = false;
  /** Where the content of the WRITE and of the DATA that are passing belongs; `undefined`: it does not go on. */
  #writing: OpenFile | undefined;
  #reading: OpenFile | undefined;
  #refusals = 0;

  constructor(options: SftpGateOptions) {
    this.#options = options;
    this.#files = new SftpFiles(options.digests);
    this.#questions = new PathQuestions(options.rights, (question) => this.#ask(question));
    this.#client = new SftpCutter('client', {
      whole: (bytes) => this.#arrived(bytes, false),
      begin: (head) => this.#arrived(head, false),
      content: (part, at) => {
        this.#withhold(part, at);
        this.#arrived(part, true);
      },
      end: () => undefined,
    });
    this.#target = new SftpCutter('target', {
      whole: (bytes) => this.#answered(bytes),
      begin: (head) => this.#data(head),
      content: (part, at) => this.#dataContent(part, at),
      end: () => this.#dataEnd(),
    });
  }

  fromClient(data: Uint8Array, hands: GateHands): void {
    this.#run(hands, () => this.#client.take(data));
  }

  fromTarget(data: Uint8Array, hands: GateHands, error: boolean): void {
    if (error) hands.toClient(data, true);
    else this.#run(hands, () => this.#target.take(data));
  }

  ended(side: 'client' | 'target', hands: GateHands): void {
    if (this.#dead) return;
    const held = side === 'client' ? this.#client.held + this.#waitingBytes : this.#target.held;
    if (held > 0) hands.drop(side, held);
    if (side === 'client') this.#forgetWaiting();
  }

  closed(hands: Pick<GateHands, 'note'>): void {
    this.#dead = true;
    this.#files.abandon(hands);
    const unsaid = this.#refusals - REFUSALS_NOTED;
    if (unsaid > 0) hands.note({ note: 'ssh-files-refused', more: unsaid });
  }

  #run(hands: GateHands, work: () => void): void {
    if (this.#dead) return;
    this.#hands = hands;
    try {
      work();
    } catch (thrown) {
      this.#dead = true;
      const error = asCustodyError(thrown);
      if (error.code === 'internal') throw error;
      hands.close(error.message, 1);
    } finally {
      this.#hands = undefined;
    }
  }

  /** Of the call that is going on. */
  get #now(): GateHands {
    return this.#hands!;
  }

  #withhold(part: Uint8Array, at: number): void {
    if (this.#options.digests) this.#now.withhold(at, at + part.length);
  }

  #arrived(bytes: Uint8Array, content: boolean): void {
    if (!this.#questions.open) return content ? this.#content(bytes) : this.#message(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waiting.length === WAITING_MAX || this.#waitingBytes > WAITING_BYTES_MAX)
      throw violation('more SFTP requests wait than the gateway keeps');
    this.#waiting.push({ bytes: bytes.slice(), content });
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #content(part: Uint8Array): void {
    if (this.#writing === undefined) return this.#now.drop('client', part.length);
    if (this.#options.digests) this.#writing.passed.upload.take(part);
    this.#now.toTarget(part);
  }

  #message(bytes: Uint8Array): void {
    const request = readRequest(bytes);
    this.#writing = undefined;
    if (request.kind === 'init') return this.#init(request.version, bytes);
    if (!this.#started) throw violation('an SFTP session has to begin with its version');
    if (this.#pending.has(request.id)) throw violation('two SFTP requests have one id');
    if (this.#pending.size >= PENDING_MAX) throw violation('too many SFTP requests wait for their answer');
    const verdict = judge(request, this.#options.rights, this.#files, FILES_MAX);
    if (verdict.kind !== 'ask') return this.#decided({ request, bytes }, verdict);
    this.#questions.ask({ request, bytes: bytes.slice() }, verdict.needs);
  }

  /** Later versions have other messages: this one is agreed to, whatever the client would like. */
  #init(version: number, bytes: Uint8Array): void {
    if (this.#started || version < VERSION) throw violation('an SFTP session cannot begin like this');
    this.#started = true;
    if (version === VERSION) return this.#now.toTarget(bytes);
    this.#now.drop('client', bytes.length);
    this.#now.ask(encodeInit(VERSION));
  }

  #decided({ request, bytes }: Asked, verdict: Exclude<Verdict, { kind: 'ask' }>, resolved?: string): void {
    if (request.kind === 'init') return;
    if (verdict.kind === 'refuse') return this.#refuse(request, bytes, verdict);
    const files = this.#take(request, resolved);
    const offset = request.kind === 'read' ? request.offset : 0;
    this.#pending.set(request.id, { kind: 'request', of: request.kind, offset, files });
    this.#now.toTarget(bytes);
  }

  /** The files that a request which goes on is about. */
  #take(request: SftpRequest, resolved: string | undefined): OpenFile[] {
    const files = filesOf(request, this.#files, resolved);
    for (const file of files) file.waiting += 1;
    if (request.kind === 'close') this.#files.closing(request.handle);
    if (request.kind === 'copy-data' && files[1] !== undefined) files[1].copied = true;
    if (request.kind === 'write') {
      this.#writing = files[0];
      if (this.#options.digests) files[0]!.passed.upload.at(request.offset);
    }
    return files;
  }

  #refuse(
    request: Exclude<SftpRequest, { kind: 'init' }>,
    bytes: Uint8Array,
    { code, words }: { readonly code: number; readonly words: string },
  ): void {
    this.#now.drop('client', bytes.length);
    this.#pending.set(request.id, { kind: 'refused', answer: encodeStatus(request.id, code, words) });
    this.#refusals += 1;
    if (this.#refusals <= REFUSALS_NOTED)
      this.#now.note({
        note: 'ssh-files-refused',
        operation: request.kind,
        paths: namedPaths(request),
        words,
      });
    this.#flush();
  }

  /** Refusals whose turn it is. */
  #flush(): void {
    if (this.#target.streaming) return;
    for (const [id, pending] of this.#pending) {
      if (pending.kind !== 'refused') return;
      this.#pending.delete(id);
      this.#now.say(pending.answer);
    }
  }

  #ask(question: (id: number) => Uint8Array): number {
    let id = this.#options.random() >>> 0;
    while (this.#pending.has(id)) id = (id + 1) >>> 0;
    this.#pending.set(id, { kind: 'own' });
    this.#now.ask(question(id));
    return id;
  }

  #answered(bytes: Uint8Array): void {
    const answer = readAnswer(bytes);
    if (answer.kind === 'version') return this.#version(answer.version, bytes);
    const pending = this.#answeredTo(answer.id);
    if (pending.kind === 'own') return this.#ownAnswer(answer, bytes);
    this.#effect(pending.of, pending.files, answer);
    this.#now.toClient(bytes);
    this.#flush();
  }

  #version(version: number, bytes: Uint8Array): void {
    if (!this.#started || version !== VERSION)
      throw violation(`the target speaks version ${version} of SFTP, not 3`);
    this.#now.toClient(bytes);
  }

  #answeredTo(id: number): Exclude<Pending, { kind: 'refused' }> {
    const pending = this.#pending.get(id);
    if (pending === undefined || pending.kind === 'refused')
      throw violation('the target answered an SFTP request that it did not get');
    this.#pending.delete(id);
    return pending;
  }

  #ownAnswer(answer: SftpAnswer, bytes: Uint8Array): void {
    this.#now.drop('target', bytes.length);
    const settled = this.#questions.settle(answer);
    if (settled === undefined) return;
    this.#decided(settled.asked, settled.verdict, settled.resolved);
    this.#flush();
    while (this.#waiting.length > 0 && !this.#questions.open) this.#goOn();
  }

  #goOn(): void {
    const waiting = this.#waiting;
    let at = 0;
    for (; at < waiting.length && !this.#questions.open; at += 1) {
      const { bytes, content } = waiting[at]!;
      this.#waitingBytes -= bytes.length;
      if (content) this.#content(bytes);
      else this.#message(bytes);
    }
    this.#waiting = waiting.slice(at);
  }

  #effect(of: SftpRequest['kind'], files: readonly OpenFile[], answer: SftpAnswer): void {
    const failed = answer.kind === 'status' && answer.code !== SftpStatus.ok;
    const [file] = files;
    if (answer.kind === 'handle') {
      if (file === undefined || (of !== 'open' && of !== 'opendir'))
        throw violation('the target gave an SFTP handle for nothing');
      if (!this.#files.add(answer.handle, file)) throw violation('the target gave one SFTP handle twice');
    }
    if (file !== undefined && of === 'read' && failed) file.end ||= answer.code === SftpStatus.eof;
    if (file !== undefined && of === 'write' && failed) file.failed += 1;
    if (file !== undefined && of === 'close') file.closed = true;
    for (const one of files) this.#files.answered(one, this.#now);
  }

  #data(head: Uint8Array): void {
    const pending = this.#answeredTo(dataId(head));
    if (pending.kind !== 'request' || pending.of !== 'read')
      throw violation('the target sent SFTP data that was not asked for');
    this.#reading = pending.files[0];
    this.#reading?.passed.download.at(pending.offset);
    this.#now.toClient(head);
  }

  #dataContent(part: Uint8Array, at: number): void {
    this.#withhold(part, at);
    if (this.#options.digests) this.#reading?.passed.download.take(part);
    this.#now.toClient(part);
  }

  #dataEnd(): void {
    if (this.#reading !== undefined) this.#files.answered(this.#reading, this.#now);
    this.#reading = undefined;
    this.#flush();
  }
}
