/** The key of this device: a file, or one that ssh-agent holds. Certificates are for it, and the device is registered under it. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import { parsePublicKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import type { Cli } from '../cli.ts';
import { readGivenFile } from '../given-file.ts';
import { runSshTool } from './tools.ts';

const STATE = 'ssh_device.json';
/** The key that custody makes, and one on a FIDO authenticator. */
const OWN = 'ssh_key';
const FIDO = 'ssh_key_sk';
/** Of a key that only the agent has: OpenSSH takes a public half for a name of it. */
const FROM_AGENT = 'ssh_agent_key.pub';
const FILE_MAX = 24 << 10;

/** Where a key is wished to be from; nothing: the one used last, else a new one. */
export interface KeyWishes {
  readonly key?: string;
  readonly fromAgent?: string | true;
  readonly new?: true;
  readonly fido?: true;
}

export interface DeviceKey {
  /** What ssh's `IdentityFile` and `ssh-keygen -Y sign -f` take. */
  readonly identity: string;
  /** One line. */
  readonly publicKey: string;
  readonly fingerprint: string;
  /** `agent`: no file has its private half. */
  readonly kind: 'file' | 'agent' | 'fido';
  /** Of a FIDO key that was made here: what its maker says of it. */
  readonly attestation?: string;
}

const stateSchema = z.object({
  identity: z.string().max(4096),
  publicKey: z.string().max(FILE_MAX),
  kind: z.enum(['file', 'agent', 'fido']),
});

/** The key that is wished for; remembered as this device's from then on. `challenge`: what a new FIDO key is to be attested over. */
export async function deviceKey(cli: Cli, wishes: KeyWishes, challenge?: string): Promise<DeviceKey> {
  if ([wishes.key, wishes.fromAgent, wishes.new, wishes.fido].filter(Boolean).length > 1)
    throw new CustodyError('format-invalid', 'give one of --key, --from-agent, --new and --fido');
  const key = await wished(cli, wishes, challenge);
  const { identity, publicKey, kind } = key;
  const text = `${JSON.stringify({ identity, publicKey, kind }, null, 2)}\n`;
  if (cli.home.read(STATE) !== text) cli.home.write(STATE, text);
  return key;
}

/** The one that was used last; undefined before the first, and where its file is gone. */
export function rememberedKey(cli: Cli): DeviceKey | undefined {
  const text = cli.home.read(STATE);
  if (text === undefined) return undefined;
  const state = stateSchema.safeParse(readState(text)).data;
  if (state === undefined) throw damaged(cli);
  return existsSync(state.identity) ? { ...state, ...known(state.publicKey, STATE) } : undefined;
}

async function wished(
  cli: Cli,
  { key, fromAgent, new: isNew, fido }: KeyWishes,
  challenge: string | undefined,
): Promise<DeviceKey> {
  if (key !== undefined) return givenKey(cli, key);
  if (fromAgent !== undefined) return agentKey(cli, fromAgent === true ? undefined : fromAgent);
  if (fido) return newFidoKey(cli, challenge);
  if (isNew) return newKey(cli);
  return rememberedKey(cli) ?? (existsSync(cli.home.path(OWN)) ? ownKey(cli, OWN, 'file') : newKey(cli));
}

/** `x` and `x.pub` both name it; where only `x.pub` is there, the agent has the rest. */
async function givenKey(cli: Cli, file: string): Promise<DeviceKey> {
  const half = resolve(file.endsWith('.pub') ? file : `${file}.pub`);
  const whole = half.slice(0, -'.pub'.length);
  const hasPrivate = existsSync(whole);
  if (!hasPrivate && !existsSync(half)) throw noKey(file);
  const line = existsSync(half)
    ? readGivenFile(half, FILE_MAX).trim()
    : (await runSshTool(cli, 'ssh-keygen', ['-y', '-f', whole], { asks: true })).trim();
  const kind = !hasPrivate ? 'agent' : line.startsWith('sk-') ? 'fido' : 'file';
  return { kind, identity: hasPrivate ? whole : half, ...known(line, half) };
}

async function agentKey(cli: Cli, which: string | undefined): Promise<DeviceKey> {
  const listed = (await runSshTool(cli, 'ssh-add', ['-L']).catch(noAgent)).split('\n');
  const keys = listed.filter((line) => /^\S+ \S/.test(line) && !/^\S+-cert-v01@/.test(line));
  const fitting = keys.filter((line) => which === undefined || isMeant(line, which));
  const [only, ...others] = fitting;
  if (only === undefined || others.length > 0) throw notOne(keys, which);
  const { publicKey, fingerprint } = known(only, 'ssh-agent');
  cli.home.write(FROM_AGENT, `${publicKey}\n`);
  return { kind: 'agent', identity: cli.home.path(FROM_AGENT), publicKey, fingerprint };
}

function isMeant(line: string, which: string): boolean {
  const { fingerprint, comment } = parsePublicKeyLine(line);
  return which === comment || which === fingerprint;
}

async function newKey(cli: Cli): Promise<DeviceKey> {
  await make(cli, OWN, ['-t', 'ed25519']);
  return ownKey(cli, OWN, 'file');
}

/** One that knows its user each time. Over a challenge, the authenticator says by its attestation what it is. */
async function newFidoKey(cli: Cli, challenge: string | undefined): Promise<DeviceKey> {
  const options = ['-t', 'ed25519-sk', '-O', 'verify-required'];
  if (challenge === undefined) {
    await make(cli, FIDO, options);
    return ownKey(cli, FIDO, 'fido');
  }
  const [asked, said] = [`${FIDO}.challenge`, `${FIDO}.attestation`];
  cli.home.write(asked, challenge);
  cli.home.remove(said);
  try {
    const over = [
      '-O',
      `challenge=${cli.home.path(asked)}`,
      '-O',
      `write-attestation=${cli.home.path(said)}`,
    ];
    await make(cli, FIDO, [...options, ...over]);
    const attestation = readFileSync(cli.home.path(said)).toString('base64');
    return { ...ownKey(cli, FIDO, 'fido'), attestation };
  } finally {
    for (const file of [asked, said]) cli.home.remove(file);
  }
}

/** Under another name first: a key that is not made leaves the last one as it was. */
async function make(cli: Cli, name: string, options: readonly string[]): Promise<void> {
  const draft = `${name}.new`;
  for (const file of [draft, `${draft}.pub`]) cli.home.remove(file);
  cli.home.makeFolder();
  const to = ['-q', '-N', '', '-C', 'custody', '-f', cli.home.path(draft)];
  await runSshTool(cli, 'ssh-keygen', [...options, ...to], { asks: true });
  cli.home.rename(`${draft}.pub`, `${name}.pub`);
  cli.home.rename(draft, name);
}

function ownKey(cli: Cli, name: string, kind: 'file' | 'fido'): DeviceKey {
  const line = cli.home.read(`${name}.pub`)?.trim() ?? '';
  return { kind, identity: cli.home.path(name), ...known(line, cli.home.path(`${name}.pub`)) };
}

/** Without the comment, which is nobody's business. */
function known(line: string, where: string): { readonly publicKey: string; readonly fingerprint: string } {
  try {
    const { fingerprint } = parsePublicKeyLine(line);
    return { publicKey: line.trim().split(/\s+/, 2).join(' '), fingerprint };
  } catch (cause) {
    if (!(cause instanceof CustodyError)) throw cause;
    const hint = cause.hint === undefined ? {} : { hint: cause.hint };
    throw new CustodyError(cause.code, `the key in ${where} ${cause.message}`, { ...hint, cause });
  }
}

function readState(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function damaged({ home }: Cli): CustodyError {
  return new CustodyError('state-damaged', `${home.path(STATE)} is not what custody ssh-login writes`, {
    hint: `remove it, and name the key again: custody ssh-login --key FILE, or --new`,
  });
}

function noKey(file: string): CustodyError {
  return new CustodyError('not-found', `there is no key ${file}`, {
    hint: 'custody ssh-login without --key makes one',
  });
}

function noAgent(cause: unknown): never {
  if (cause instanceof CustodyError && cause.code === 'not-found') throw cause;
  throw new CustodyError('not-found', 'ssh-agent has no key, or is not running', {
    hint: 'ssh-add adds one; without an agent, custody ssh-login makes a key of its own',
    cause,
  });
}

function notOne(keys: readonly string[], which: string | undefined): CustodyError {
  const names = keys.map((line) => parsePublicKeyLine(line)).map((key) => key.comment || key.fingerprint);
  const what = which === undefined ? `${keys.length} keys` : `no single key called ${which}`;
  return new CustodyError('not-found', `ssh-agent has ${what}`, {
    hint: `name one of: ${names.join(', ')}, or a fingerprint: --from-agent NAME`,
  });
}
