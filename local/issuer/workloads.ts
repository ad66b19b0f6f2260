import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DemoKeys, publicKeys } from '#adapters/local/demo-keys.ts';
import { jobOf, jobToken, workloadsIssuer } from '#adapters/local/demo-workloads.ts';

const PATH = '/workloads';
const AUDIENCE_MAX = 512;
/** The others say that OpenID Connect needs them (Discovery 1.0 section 3). */
const DISCOVERY = {
  response_types_supported: ['id_token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  scopes_supported: ['openid'],
};

/** The issuer of workloads: nobody logs in here, and a job asks for a token of its own as it does at GitHub Actions. */
export function workloadsHandler(peopleIssuer: string, keys: DemoKeys, now: () => number) {
  const issuer = workloadsIssuer(peopleIssuer);
  const discovery = { issuer, jwks_uri: `${issuer}/jwks`, ...DISCOVERY };
  const answers: Readonly<Record<string, (request: IncomingMessage, url: URL) => Promise<object> | object>> =
    {
      '/.well-known/openid-configuration': () => discovery,
      '/jwks': () => publicKeys(keys),
      '/actions/token': (request, url) => tokenFor(request, url),
    };
  const tokenFor = async (request: IncomingMessage, url: URL): Promise<object> => {
    const [, bearer = ''] = /^bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const job = await jobOf(keys, issuer, bearer, now()).catch(() => {
      throw new Refused(401, 'the request token is not valid');
    });
    const [owner] = job.repository.split('/');
    const audience = url.searchParams.get('audience') ?? `https://github.com/${owner}`;
    if (audience === '' || audience.length > AUDIENCE_MAX) throw new Refused(400, 'no such audience');
    const value = await jobToken(keys, issuer, audience, job, now());
    return { count: value.length, value };
  };
  return {
    isFor: ({ url }: IncomingMessage): boolean => url?.startsWith(`${PATH}/`) === true,
    async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const url = new URL(request.url ?? '', peopleIssuer);
      const name = url.pathname.slice(PATH.length);
      const answer = Object.hasOwn(answers, name) ? answers[name] : undefined;
      try {
        if (answer === undefined || request.method !== 'GET') throw new Refused(404, 'there is nothing here');
        reply(response, 200, await answer(request, url));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        reply(response, error.status, { message: error.message });
      }
    },
  };
}

class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
