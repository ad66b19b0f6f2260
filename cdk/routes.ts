import type { FunctionName } from './function-names.ts';

export interface ApiRoute {
  readonly method: string;
  /** As OpenAPI writes it; `{proxy}` takes the rest of a path. */
  readonly path: string;
  readonly to: FunctionName;
  /** Anybody may call: the function looks at a secret of its own, or needs none. */
  readonly open?: true;
}

/** The API's operations, by the function that answers them. A test compares it with the API's own document. */
export const routes: readonly ApiRoute[] = [
  ...of('access', [
    'GET /v1/requests',
    'POST /v1/requests',
    'GET /v1/requests/{id}',
    'POST /v1/requests/{id}/decisions',
    'POST /v1/requests/{id}/return',
    'POST /v1/requests/{id}/review',
    'GET /v1/grants',
    'GET /v1/grants/{id}',
    'POST /v1/grants/{id}/return',
    'POST /v1/grants/{id}/revocation',
    'POST /v1/devices/challenge',
    'GET /v1/devices',
    'POST /v1/devices',
    'GET /v1/devices/{id}',
    'POST /v1/devices/{id}/approve',
    'POST /v1/devices/{id}/revoke',
    'GET /v1/sandboxes',
    'POST /v1/sandboxes',
    'GET /v1/sandboxes/{id}',
    'DELETE /v1/sandboxes/{id}',
    'GET /v1/workflows',
    'GET /v1/workflows/{name}',
    'GET /v1/runs',
    'POST /v1/runs',
    'GET /v1/runs/{id}',
    'POST /v1/runs/{id}/end',
    'GET /v1/runs/{id}/evidence',
    'GET /v1/explanation',
    'GET /v1/whoami',
    'GET /v1/targets',
    'GET /v1/config',
    'GET /v1/status',
    'GET /v1/dead-letters',
    'POST /v1/dead-letters',
  ]),
  ...of('replay', [
    'GET /v1/sessions',
    'GET /v1/sessions/{id}',
    'GET /v1/sessions/{id}/ledger',
    'GET /v1/sessions/{id}/evidence',
    'GET /v1/sessions/{id}/steps',
    'GET /v1/sessions/{id}/steps/{number}/rows',
    'GET /v1/sessions/{id}/outline',
    'GET /v1/sessions/{id}/export',
    'GET /v1/sessions/{id}/live',
    'GET /v1/sessions/{id}/summary',
    'POST /v1/sessions/{id}/termination',
    'POST /v1/sessions/{id}/reruns',
    'GET /v1/search',
    'GET /v1/search/sessions',
    'GET /v1/ledger/checkpoint',
    'GET /v1/ledger/{proxy}',
  ]),
  ...of('access', ['GET /v1/login']).map((route) => ({ ...route, open: true }) as const),
  ...of('ssh', [
    'GET /v1/ssh',
    'GET /v1/ssh/certificates',
    'POST /v1/ssh/certificates',
    'POST /v1/ssh/certificates/{serial}/revoke',
    'POST /v1/ssh/revocations',
  ]),
  // Directories have secrets of their own.
  ...of(
    'scim',
    ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method) => `${method} /v1/scim/{issuer}/v2/{proxy}`),
  ).map((route) => ({ ...route, open: true }) as const),
  ...of('logout', ['POST /v1/logout/{issuer}']).map((route) => ({ ...route, open: true }) as const),
  ...of('replay', ['GET /v1/signer', 'GET /v1/openapi.json']).map(
    (route) => ({ ...route, open: true }) as const,
  ),
];

function of(to: FunctionName, operations: readonly string[]): ApiRoute[] {
  return operations.map((operation) => {
    const [method, path] = operation.split(' ') as [string, string];
    return { method, path, to };
  });
}
