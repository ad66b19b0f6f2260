/** Messages of user authentication (RFC 4252, RFC 4256) and of the services before it (RFC 4253 section 10). */
import { SshReader, SshWriter, violation } from '../wire.ts';

export const AuthMessage = {
  serviceRequest: 5,
  serviceAccept: 6,
  extInfo: 7,
  request: 50,
  failure: 51,
  success: 52,
  banner: 53,
  /** PK_OK, PASSWD_CHANGEREQ and INFO_REQUEST have one number: which it is goes by the method. */
  methodOwn: 60,
  infoResponse: 61,
} as const;

export const USERAUTH = 'ssh-userauth';
export const CONNECTION = 'ssh-connection';
export const HOSTBOUND = 'publickey-hostbound-v00@openssh.com';

/** One question of a keyboard-interactive dialogue. */
export interface Prompt {
  readonly text: string;
  /** Whether the answer is shown while it is typed. */
  readonly echo: boolean;
}

export interface InfoRequest {
  readonly name: string;
  readonly instruction: string;
  readonly prompts: readonly Prompt[];
}

export interface Failure {
  readonly methods: readonly string[];
  readonly partial: boolean;
}

const PROMPTS_MAX = 32;
const WORDS_MAX = 16 << 10;

export function serviceRequest(service: string): Uint8Array {
  return SshWriter.message(AuthMessage.serviceRequest).string(service).done();
}

export function serviceAccept(service: string): Uint8Array {
  return SshWriter.message(AuthMessage.serviceAccept).string(service).done();
}

/** The service that a SERVICE_REQUEST or SERVICE_ACCEPT names. */
export function readService(payload: Uint8Array, number: number): string {
  if (payload[0] !== number) throw violation('something else than a service came first');
  const reader = new SshReader(payload, 1);
  const service = reader.name();
  reader.end();
  return service;
}

export function failure({ methods, partial }: Failure): Uint8Array {
  return SshWriter.message(AuthMessage.failure).nameList(methods).boolean(partial).done();
}

export function readFailure(payload: Uint8Array): Failure {
  const reader = new SshReader(payload, 1);
  const read = { methods: reader.nameList(), partial: reader.boolean() };
  reader.end();
  return read;
}

export function success(): Uint8Array {
  return Uint8Array.of(AuthMessage.success);
}

/** Clients print it as it is: what in it came from elsewhere has been made `printable`. */
export function banner(words: string): Uint8Array {
  return SshWriter.message(AuthMessage.banner).string(words).string('').done();
}

/** Some servers leave the language out. */
export function readBanner(payload: Uint8Array): string {
  return new SshReader(payload, 1).words(WORDS_MAX);
}

export function publicKeyOk(algorithm: string, key: Uint8Array): Uint8Array {
  return SshWriter.message(AuthMessage.methodOwn).string(algorithm).string(key).done();
}

export function infoRequest({ name, instruction, prompts }: InfoRequest): Uint8Array {
  const writer = SshWriter.message(AuthMessage.methodOwn).string(name).string(instruction).string('');
  writer.uint32(prompts.length);
  for (const { text, echo } of prompts) writer.string(text).boolean(echo);
  return writer.done();
}

export function readInfoRequest(payload: Uint8Array): InfoRequest {
  const reader = new SshReader(payload, 1);
  const [name, instruction] = [reader.words(WORDS_MAX), reader.words(WORDS_MAX)];
  reader.string(WORDS_MAX);
  const count = reader.uint32();
  if (count > PROMPTS_MAX) throw violation(`a dialogue asks ${count} things at once`);
  const prompts = Array.from({ length: count }, () => ({
    text: reader.words(WORDS_MAX),
    echo: reader.boolean(),
  }));
  reader.end();
  return { name, instruction, prompts };
}

export function infoResponse(answers: readonly string[]): Uint8Array {
  const writer = SshWriter.message(AuthMessage.infoResponse).uint32(answers.length);
  for (const answer of answers) writer.string(answer);
  return writer.done();
}

/** Exactly `count` answers. */
export function readInfoResponse(payload: Uint8Array, count: number): readonly string[] {
  const reader = new SshReader(payload, 1);
  if (reader.uint32() !== count) throw violation('a dialogue was answered with another number of answers');
  const answers = Array.from({ length: count }, () => reader.text());
  reader.end();
  return answers;
}

/** What every USERAUTH_REQUEST begins with; `reader` stands at what is the method's own. */
export interface RequestHead {
  readonly user: string;
  readonly service: string;
  readonly method: string;
  readonly reader: SshReader;
}

const USER_MAX = 1024;

export function readRequest(payload: Uint8Array): RequestHead {
  const reader = new SshReader(payload, 1);
  return { user: reader.text(USER_MAX), service: reader.name(), method: reader.name(), reader };
}

/** The beginning of a USERAUTH_REQUEST. */
export function request(user: string, method: string): SshWriter {
  return SshWriter.message(AuthMessage.request).string(user).string(CONNECTION).string(method);
}
