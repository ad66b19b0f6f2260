/** Verifies a session's evidence here, with the verifier of core: one segment in memory at a time, and the next on its way. */
import { type Opening, readEvidence } from '#core/recording/verify/verify.ts';
import type { Api } from '../api/client.ts';
import { loadZstd } from '../platform/zstd.ts';
import { webSha256 } from '../platform/web-sha256.ts';
import { optionsOf, type Trust, underTrust } from '../player/trust.ts';
import { askProof } from './ask-proof.ts';
import { EvidenceLinks } from './evidence-links.ts';
import type { Offered } from './offered.ts';
import type { Pace } from './pace.ts';
import { RemoteEvidence } from './remote-evidence.ts';
import type { Verified } from './verified.ts';

interface Asked {
  readonly api: Api;
  readonly session: string;
  readonly offered: Offered;
  readonly trust: Trust;
  readonly pace: Pace;
  readonly onProgress: (bytes: number, of: number) => void;
}

/** Rejects when the evidence could not be had: that is no verdict. */
export async function verifySession(asked: Asked): Promise<Verified> {
  const began = performance.now();
  const evidence = await openEvidence(asked);
  const { report, opening } = await readThrough(evidence, asked);
  evidence.throwFailure();
  const names = new Set(await evidence.list());
  const { bytes } = evidence.progress;
  return { report, opening, names, trust: asked.trust, bytes, ms: performance.now() - began };
}

async function openEvidence({ api, session, offered: { pem }, pace }: Asked): Promise<RemoteEvidence> {
  const { signal } = pace;
  const [links] = await Promise.all([
    EvidenceLinks.ask(api, { session, purpose: 'replay' }, location.origin, signal),
    loadZstd(),
  ]);
  // Asked for after the listing: what ended meanwhile is proved at least as far as it is listed.
  const proof = await askProof(api, session, signal);
  return new RemoteEvidence({ links, pem, proof, signal });
}

async function readThrough(
  evidence: RemoteEvidence,
  { session, trust, pace, onProgress }: Asked,
): Promise<Pick<Verified, 'report' | 'opening'>> {
  const options = { ...(await optionsOf(trust, evidence)), session, sha256: webSha256 };
  const reading = readEvidence(evidence, options);
  let opening: Opening | undefined;
  let told = -1;
  for (;;) {
    const { done, value } = await reading.next();
    if (done) return { report: underTrust(value, trust), opening };
    if ('opening' in value) opening = value.opening;
    const { bytes, of } = evidence.progress;
    if (bytes !== told) onProgress(bytes, of);
    told = bytes;
    await pace.turn();
  }
}
