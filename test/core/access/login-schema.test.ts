import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { loginSchema } from '#core/access/login-schema.ts';
import { CustodyError } from '#core/errors.ts';

const file = (login: string, kind = 'person'): string => `version: 1
identity:
  issuer: https://id.example
  audience: custody
  kind: ${kind}
  match: { team: acme }
  login: ${login}
targets: {}
`;

function mistake(login: string, kind?: string): string {
  try {
    parseConfig(file(login, kind), 'custody.yaml');
  } catch (error) {
    if (error instanceof CustodyError) return error.message;
    throw error;
  }
  return '';
}

describe('login', () => {
  it.each([
    ['a port that needs rights', '{ ports: [80] }', 'login.ports.0: expected a port from 1024 to 65535'],
    ['no port', '{ ports: [] }', 'login.ports'],
    ['scopes without openid', '{ scopes: [email] }', 'login.scopes: expected openid among them'],
    ['a scope of two', '{ scopes: ["openid email"] }', 'login.scopes.0: expected a scope without spaces'],
    ['a prompt that shows nothing', '{ prompt: none }', 'login.prompt'],
    [
      'a path that leads elsewhere',
      '{ redirectPath: "//evil.example" }',
      'login.redirectPath: expected a path',
    ],
    [
      'a path with a query',
      '{ redirectPath: "/a?b" }',
      'login.redirectPath: expected a path such as /callback',
    ],
    ['a host of its own', '{ redirectHost: evil.example }', 'login.redirectHost'],
    ['a parameter that login sets', '{ params: { redirect_uri: x } }', 'is set by custody login itself'],
    ['a parameter with an odd name', '{ params: { "A b": x } }', 'expected the name of a parameter'],
    ['what is no key', '{ secret: x }', 'login.secret: there is no such key here'],
    [
      "a console's client whose tokens nobody takes",
      '{ console: { clientId: spa } }',
      'login.console.clientId: is not among audience: an ID token is for the client that it was given to',
    ],
    ['a path', '{ console: { origins: ["https://id.example/token"] } }', 'expected an origin such as'],
    ['what is not encrypted', '{ console: { origins: ["http://id.example"] } }', 'expected an https URL'],
    [
      'more than one in a policy of contents',
      '{ console: { origins: ["https://id.example; script-src *"] } }',
      'expected an https URL',
    ],
    ['scopes without openid in a browser', '{ console: { scopes: [email] } }', 'expected openid among them'],
  ])('%s', (_, login, words) => {
    expect(mistake(login)).toContain(words);
  });

  it('takes a client of browsers whose ID tokens are for the gateway, and any where access tokens are sent', () => {
    expect(mistake('{ console: { clientId: custody } }')).toBe('');
    expect(mistake('{ token: access, console: { clientId: spa } }')).toBe('');
  });

  it('is for people', () => {
    expect(mistake('{}', 'workload')).toContain('login: is for people: a workload gets its tokens by itself');
  });

  it('never lets the address of a login say twice what custody login says', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (params) => {
        const parsed = loginSchema.safeParse({ params });
        if (!parsed.success) return;
        for (const name of [
          'client_id',
          'redirect_uri',
          'state',
          'nonce',
          'scope',
          'request',
          'response_type',
        ])
          expect(parsed.data.params).not.toHaveProperty(name);
      }),
      { examples: [[{ state: 'x' }], [{ request: 'x' }], [{ hd: 'acme.com' }]] },
    );
  });
});
