import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { sessionPrefix } from '#core/recording/layout.ts';
import type { JournalRemains } from '#core/recording/ports.ts';
import { type RecordedFrame, readContent, readFrames } from '#core/recording/read.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { type VerifyReport, verifyEvidence } from '#core/recording/verify/verify.ts';
import { eventually } from './clients.ts';
import type { LocalGateway } from './local-gateway.ts';
import { tailsIn } from './remains.ts';

/** Sessions as the auditor's API lists them, newest first. */
export async function sessions(gateway: LocalGateway): Promise<SessionRecord[]> {
  const authorization = `Bearer ${await gateway.token('auditor')}`;
  const response = await fetch(`${gateway.addresses.api}/v1/sessions?limit=200`, {
    headers: { authorization },
  });
  return ((await response.json()) as { sessions: SessionRecord[] }).sessions;
}

/** The newest session, once it has ended. */
export function lastSession(
  gateway: LocalGateway,
  skip: ReadonlySet<string> = new Set(),
): Promise<SessionRecord> {
  return eventually('a session to end', async () => {
    const newest = (await sessions(gateway)).find(({ id }) => !skip.has(id));
    return newest?.outcome === undefined ? undefined : newest;
  });
}

/** What the offline verifier says of the session, trusting the gateway's signer. */
export async function verify(gateway: LocalGateway, session: string): Promise<VerifyReport> {
  const store = directoryStore(join(gateway.dataDir, 'store'));
  const pem = readFileSync(gateway.addresses.signer);
  const folder = {
    list: async () => [...(await store.list(sessionPrefix(session))), 'signer.pem'],
    get: async (name: string) => (name === 'signer.pem' ? pem : store.get(sessionPrefix(session) + name)),
  };
  const trusted = createPublicKey(pem).export({ type: 'spki', format: 'der' });
  return verifyEvidence(folder, { trustedSigners: [trusted], session });
}

/** All frames of a session, in order. */
export async function framesOf(gateway: LocalGateway, session: string): Promise<RecordedFrame[]> {
  const store = directoryStore(join(gateway.dataDir, 'store'));
  const names = (await store.list(sessionPrefix(session))).filter((name) => name.endsWith('.seg'));
  const frames: RecordedFrame[] = [];
  for (const name of names) frames.push(...readFrames(await store.get(sessionPrefix(session) + name)));
  return frames;
}

/** Resolves once the journal holds this text, of a client where nothing else is said: from then on nothing loses it. */
export async function untilJournaled(
  remains: Pick<JournalRemains, 'read'>,
  text: string,
  stream: RecordedFrame['stream'] = 'client',
): Promise<void> {
  await eventually(`"${text}" to be in the journal`, async () => {
    const frames = (await tailsIn(remains)).flatMap(({ content }) => [...readContent(content, 0)]);
    return bytesOf(frames, stream).includes(text) ? true : undefined;
  });
}

/** One stream's bytes, joined. */
export function bytesOf(frames: readonly RecordedFrame[], stream: RecordedFrame['stream']): Buffer {
  return Buffer.concat(frames.filter((frame) => frame.stream === stream).map(({ payload }) => payload));
}
