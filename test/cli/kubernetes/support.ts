import { makeSigner, pem } from '#test/support/evidence-builder.ts';
import { environment, type FakeApi, fakeApi } from '../support.ts';

export const CA = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
export const PROD = {
  name: 'prod',
  protocol: 'kubernetes',
  host: 'gateway.example.com',
  port: 7443,
  caPem: CA,
  access: 'standing',
};
const TERMS = {
  rule: 'ask',
  breakGlass: false,
  maxDurationSeconds: 3600,
  approvals: 2,
  reason: 'required',
  ticket: 'optional',
  statements: 'any',
};
export const asking = (terms: object = {}) => ({
  ...PROD,
  access: 'requestable',
  ask: [{ ...TERMS, ...terms }],
});

export const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
/** A request as the API shows it, of the person whose token `environment` has. */
export const request = (more: object = {}) => ({
  id: ID,
  state: 'pending',
  digest: 'd',
  requester: { issuer: 'http://127.0.0.1:7401', subject: 'dev-1' },
  target: 'prod',
  rule: 'ask',
  durationSeconds: 3600,
  breakGlass: false,
  createdAt: '2026-11-29T10:00:00.000Z',
  pendingUntil: '2026-11-29T18:00:00.000Z',
  needs: { approvals: 2, any: ['reviewers'] },
  decisions: [],
  needsReview: false,
  mayDecide: false,
  ...more,
});
export const granted = request({
  state: 'granted',
  grant: { from: '2026-11-29T10:00:00.000Z', until: '2026-11-29T11:00:00.000Z' },
});

export async function clusterApi(...targets: readonly object[]) {
  const api = await fakeApi(pem(makeSigner()).toString());
  api.answers.set('/v1/targets', { targets: targets.length === 0 ? [PROD] : targets });
  api.answers.set('/v1/requests', { requests: [] });
  return { api, env: environment(api) };
}

export function asked(api: FakeApi, method: string, path: string) {
  return api.requests.filter((one) => one.method === method && one.path.startsWith(path));
}
