/**
 * How long it takes from a reviewer's revocation to the client's disconnect, and what 200 decisions at once come to; on the
 * whole local deployment, with real clients. `npm run bench:access -- [--revocations 100] [--decisions 200]`.
 */
import { parseArgs } from 'node:util';
import { importJWK, SignJWT } from 'jose';
import { keptKeys, peopleKeys } from '#adapters/local/demo-keys.ts';
import { apiAs, connected, granted, type SeenRequest } from '#test/support/access-story.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

const { values } = parseArgs({
  options: {
    revocations: { type: 'string', default: '100' },
    decisions: { type: 'string', default: '200' },
  },
});

const local = await startLocalGateway();
try {
  process.stdout.write(`${JSON.stringify(await revocations(local, Number(values.revocations)))}\n`);
  process.stdout.write(`${JSON.stringify(await race(local, Number(values.decisions)))}\n`);
} finally {
  await local.stop();
}

/** Milliseconds from sending the revocation to the client's end of its connection, a query running; and to its answer. */
async function revocations(local: LocalGateway, count: number) {
  const times: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const { id } = await granted(local);
    const { client, gone } = await connected(local);
    client.query('select pg_sleep(60)').catch(() => undefined);
    // Anywhere between two looks of the gateway.
    await new Promise((done) => setTimeout(done, 500 * Math.random()));
    const asked = performance.now();
    await apiAs(local, 'reviewer').post(`/v1/grants/${id}/revocation`, {});
    times.push((await gone).at - asked);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => Math.round(times[Math.ceil(share * times.length) - 1]!);
  return { revocations: count, medianMs: at(0.5), p90Ms: at(0.9), maxMs: at(1) };
}

/** Half of them approve, half deny, all at once: what each was answered, and what came of it. */
async function race(local: LocalGateway, count: number) {
  const { id } = await apiAs(local, 'developer').post<SeenRequest>('/v1/requests', {
    target: 'orders-prod',
    reason: 'a race',
  });
  const tokens = await Promise.all(Array.from({ length: count }, (_, n) => reviewer(local, n)));
  const began = performance.now();
  const answers = await Promise.all(
    tokens.map((token, n) => decide(local, id, token, n % 2 === 0 ? 'approved' : 'denied')),
  );
  const took = Math.round(performance.now() - began);
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
  const ended = await apiAs(local, 'developer').get<SeenRequest & { decisions: { decision: string }[] }>(
    `/v1/requests/${id}`,
  );
  const decisions = ended.decisions.map(({ decision }) => decision);
  return {
    decisions: count,
    tookMs: took,
    answers: counts,
    state: ended.state,
    counted: decisions,
    granted: ended.grant !== undefined,
  };
}

async function decide(
  { addresses }: LocalGateway,
  id: string,
  token: string,
  decision: string,
): Promise<string> {
  const response = await fetch(`${addresses.api}/v1/requests/${id}/decisions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ decision }),
  });
  await response.arrayBuffer();
  return String(response.status);
}

/** A token of one of many reviewers. */
async function reviewer({ dataDir, addresses }: LocalGateway, n: number): Promise<string> {
  const [key] = keptKeys(dataDir, peopleKeys).keys;
  return new SignJWT({ email: `reviewer-${n}@example.com`, groups: ['reviewers'] })
    .setProtectedHeader({ alg: 'ES256', kid: key!.kid! })
    .setIssuer(addresses.issuer)
    .setAudience('custody')
    .setSubject(`reviewer-${n}`)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(await importJWK(key!, 'ES256'));
}
