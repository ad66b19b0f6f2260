import {
  AuthMessage,
  HOSTBOUND,
  readBanner,
  readInfoRequest,
  readRequest,
} from '#core/protocols/ssh/auth/messages.ts';
import { parseCertificate } from '#core/protocols/ssh/keys/certificate.ts';
import { fingerprintOf } from '#core/protocols/ssh/keys/public-key.ts';
import type { SshReader } from '#core/protocols/ssh/wire.ts';
import { shownWords } from '../shown.ts';
import type { ShownKey, SshReplayLimits, SshStep } from './step.ts';
import type { Note } from './tape-events.ts';

/** The login as the tape has it: what the client tried, and what the gateway said to it. */
export class LoginSteps {
  readonly #limits: SshReplayLimits;
  readonly #methods: string[] = [];
  readonly #keys = new Map<string, ShownKey>();
  #user = '';
  #from: number | undefined;
  #note: Note | undefined;
  #method = '';
  #over = false;

  constructor(limits: SshReplayLimits) {
    this.#limits = limits;
  }

  /** Throws `protocol-violation` for a message that is not what it should be. */
  take(by: 'client' | 'gateway', payload: Uint8Array, at: number): SshStep[] {
    if (this.#over) return [];
    if (by === 'client') this.#asked(payload, at);
    else if (payload[0] === AuthMessage.success) return this.finish(at, true);
    else return this.#saidBy(payload, at);
    return [];
  }

  /** The gateway's own account of it, which may stand before or after its word to the client. */
  note(note: Note, at: number): SshStep[] {
    if (this.#over) return [{ kind: 'note', at, took: 0, note }];
    this.#note = note;
    return [];
  }

  finish(at: number, accepted: boolean): SshStep[] {
    if (this.#over || (this.#from === undefined && this.#note === undefined)) return [];
    this.#over = true;
    const from = this.#from ?? at;
    const keys = [...this.#keys.values()];
    const login = {
      user: this.#user,
      methods: this.#methods,
      ...(keys.length > 0 && { keys }),
      accepted,
    };
    return [{ kind: 'login', at: from, took: at - from, login, ...(this.#note && { note: this.#note }) }];
  }

  #asked(payload: Uint8Array, at: number): void {
    this.#from ??= at;
    if (payload[0] !== AuthMessage.request) return;
    const { user, method, reader } = readRequest(payload);
    this.#user = user;
    this.#method = method;
    const isKey = method === 'publickey' || method === HOSTBOUND;
    if (isKey && !this.#signed(reader)) return;
    const name = isKey ? 'publickey' : method;
    if (this.#methods.at(-1) !== name && this.#methods.length < this.#limits.list) this.#methods.push(name);
  }

  /** False where it only asks whether a signature would be welcome. */
  #signed(reader: SshReader): boolean {
    if (!reader.boolean()) return false;
    const algorithm = reader.name();
    const key = shownKey(algorithm, reader.string());
    if (this.#keys.size < this.#limits.list) this.#keys.set(key.fingerprint + algorithm, key);
    return true;
  }

  #saidBy(payload: Uint8Array, at: number): SshStep[] {
    const words = saidWords(payload, this.#method);
    if (words === '') return [];
    return [{ kind: 'said', at, took: 0, said: shownWords(words, this.#limits.text) }];
  }
}

function saidWords(payload: Uint8Array, method: string): string {
  if (payload[0] === AuthMessage.banner) return readBanner(payload);
  if (payload[0] !== AuthMessage.methodOwn || method !== 'keyboard-interactive') return '';
  const { name, instruction, prompts } = readInfoRequest(payload);
  return [name, instruction, ...prompts.map(({ text }) => text)].filter(Boolean).join('\n');
}

function shownKey(algorithm: string, blob: Uint8Array): ShownKey {
  try {
    const { key, serial, keyId } = parseCertificate(blob);
    return { algorithm, fingerprint: key.fingerprint, certificate: { serial: String(serial), keyId } };
  } catch {
    return { algorithm, fingerprint: fingerprintOf(blob) };
  }
}
