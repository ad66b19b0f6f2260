import { describe, expect, test } from 'vitest';
import type { SignIn } from '../../../console/signin/session.ts';
import { CONSOLE, comeBack, fakeProvider, fakeTab, goToProvider, ISSUER, signedIn } from './fake-provider.ts';

const HOUR_MS = 3_600_000;

function problemOf(signIn: SignIn): string | undefined {
  const state = signIn.state.value;
  return state.is === 'out' ? state.problem?.message : undefined;
}

describe('going to the identity provider', () => {
  test('asks for a code with PKCE, for the scopes that it offers, and in the words of custody.yaml', async () => {
    const provider = fakeProvider();
    provider.is.issuer = { prompt: 'select_account', params: { hd: 'acme.com' } };
    const { origin, pathname, searchParams } = await goToProvider(fakeTab());
    expect(origin + pathname).toBe(`${ISSUER}/authorize`);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      client_id: 'cli',
      redirect_uri: `${CONSOLE}/callback`,
      response_type: 'code',
      scope: 'openid offline_access',
      code_challenge_method: 'S256',
      prompt: 'select_account',
      hd: 'acme.com',
    });
  });

  test('is as the client that custody.yaml has for browsers, which has no secret', async () => {
    const provider = fakeProvider();
    provider.is.issuer = {
      clientSecret: 'of the desktop client',
      scopes: ['openid', 'groups'],
      console: { clientId: 'spa', scopes: ['openid', 'roles'] },
    };
    const tab = fakeTab();
    const { searchParams } = await goToProvider(tab);
    expect([searchParams.get('client_id'), searchParams.get('scope')]).toEqual(['spa', 'openid roles']);
    expect((await comeBack(tab)).state.value.is).toBe('in');
    expect(provider.forms[0]!.form).toMatchObject({ client_id: 'spa', grant_type: 'authorization_code' });
    expect(provider.forms[0]!.form['client_secret']).toBeUndefined();
  });

  test('shows what Google does not take for a secret of a desktop client', async () => {
    const provider = fakeProvider();
    provider.is.issuer = { clientSecret: 'shown to all' };
    expect((await signedIn(fakeTab())).state.value.is).toBe('in');
    expect(provider.forms[0]!.form['client_secret']).toBe('shown to all');
  });

  test('keeps no token, and remembers the issuer by its name alone (security case 15)', async () => {
    fakeProvider();
    const tab = fakeTab();
    await signedIn(tab);
    expect([...tab.kept]).toEqual([['custody-issuer', 'people']]);
  });

  test('offers first where somebody signed in last', async () => {
    const provider = fakeProvider();
    provider.is.other = { name: 'contractors' };
    const tab = fakeTab();
    const offered = async (): Promise<unknown> => (await tab.load(`${CONSOLE}/`)).state.value;
    expect(await offered()).toMatchObject({ issuers: [{ name: 'contractors' }, { name: 'people' }] });
    tab.kept.set('custody-issuer', 'people');
    expect(await offered()).toMatchObject({ issuers: [{ name: 'people' }, { name: 'contractors' }] });
  });

  test('is refused in words where tokens are given elsewhere, until custody.yaml says so', async () => {
    const provider = fakeProvider();
    provider.is.metadata = { token_endpoint: 'https://tokens.example/token' };
    const tab = fakeTab();
    const signIn = await tab.load(`${CONSOLE}/runs`);
    const out = signIn.state.value;
    await signIn.begin(out.is === 'out' ? out.issuers[0]! : (undefined as never), '/runs');
    expect(problemOf(signIn)).toContain(
      'gives tokens at https://tokens.example, which is not its own address',
    );
    expect(signIn.state.value).toMatchObject({
      problem: { hint: expect.stringContaining('origins: ["https://tokens.example"]') },
    });
    expect(tab.at.href).toBe(`${CONSOLE}/runs`);
    provider.is.issuer = { console: { origins: ['https://tokens.example'] } };
    expect((await signedIn(tab)).state.value.is).toBe('in');
  });

  test.each(['javascript:alert(1)', 'http://id.example/authorize', undefined])(
    'never leads to %s',
    async (authorization_endpoint) => {
      const provider = fakeProvider();
      provider.is.metadata = { authorization_endpoint };
      const tab = fakeTab();
      await goToProvider(tab);
      expect(tab.at.href).toBe(`${CONSOLE}/requests`);
    },
  );
});

describe('coming back', () => {
  test('leads to the very page with its query, and leaves no code in the address', async () => {
    fakeProvider();
    const tab = fakeTab();
    const signIn = await signedIn(tab, '/sessions?target=orders-db&q=a%20b');
    expect(signIn.state.value).toMatchObject({ is: 'in', who: { subject: 'dev-1' } });
    expect(tab.at.href).toBe(`${CONSOLE}/sessions?target=orders-db&q=a%20b`);
  });

  test('with a code a second time is not begun in this tab', async () => {
    const provider = fakeProvider();
    const tab = fakeTab();
    await goToProvider(tab);
    const asked = tab.at.href;
    await comeBack(tab);
    tab.at.href = asked;
    const again = await comeBack(tab);
    expect(problemOf(again)).toBe('this sign-in was not begun in this tab');
    expect(tab.at.href).toBe(`${CONSOLE}/`);
    expect(provider.forms).toHaveLength(1);
  });

  test.each([
    ['another state', { state: 'forged' }],
    ['the name of another issuer (RFC 9207)', { iss: 'https://evil.example' }],
    ['another nonce', { code: 'not the nonce' }],
  ])('with %s is no sign-in', async (_, more) => {
    fakeProvider();
    const tab = fakeTab();
    await goToProvider(tab, '/runs');
    const signIn = await comeBack(tab, more);
    expect(problemOf(signIn)).toBe('what the identity provider sent is not what was asked for');
    expect(tab.at.href).toBe(`${CONSOLE}/runs`);
  });

  test.each([
    ['a token for another client', { aud: 'somebody else' }],
    ['a token of another issuer', { iss: 'https://evil.example' }],
    ['a token that is over', { exp: 1 }],
  ])('with %s is no sign-in', async (_, claims) => {
    const provider = fakeProvider();
    provider.is.claims = claims;
    expect(problemOf(await signedIn(fakeTab()))).toBe(
      'what the identity provider sent is not what was asked for',
    );
    expect(provider.bearers).toEqual([]);
  });

  test('after somebody gave it up says so in the provider’s words', async () => {
    fakeProvider();
    const tab = fakeTab();
    await goToProvider(tab, '/runs');
    const refused = { error: 'access_denied', error_description: 'You are not assigned to Custody.' };
    expect(problemOf(await comeBack(tab, refused))).toBe('You are not assigned to Custody.');
    await goToProvider(tab, '/runs');
    expect(problemOf(await comeBack(tab, { error: 'access_denied' }))).toBe(
      'the sign-in was refused or given up',
    );
  });

  test('with a code that is taken no more says so', async () => {
    const provider = fakeProvider();
    provider.is.refusal = () => Response.json({ error: 'invalid_grant' }, { status: 400 });
    expect(problemOf(await signedIn(fakeTab()))).toBe('the identity provider refused: invalid_grant');
  });

  test('as somebody whom the gateway does not take shows the gateway’s words, and gives the tokens back', async () => {
    const provider = fakeProvider();
    provider.is.whoami = refusal;
    const signIn = await signedIn(fakeTab());
    expect(problemOf(signIn)).toBe('you may do nothing any more');
    expect(provider.forms.at(-1)).toMatchObject({ path: '/revoke', form: { token: 'refresh-1' } });
  });
});

function refusal(): Response {
  return Response.json({ code: 'access-revoked', detail: 'you may do nothing any more' }, { status: 401 });
}

describe('a token that is nearly over', () => {
  test('is renewed once for many calls, by a refresh token that is used once', async () => {
    const provider = fakeProvider();
    const tab = fakeTab();
    const signIn = await signedIn(tab);
    tab.clock.ms += HOUR_MS - 20_000;
    provider.is.claims = { exp: Math.floor(tab.clock.ms / 1000) + 3600 };
    await Promise.all(['/v1/a', '/v1/b', '/v1/c'].map((path) => signIn.api.get(path)));
    const refreshes = provider.forms.filter(({ form }) => form['grant_type'] === 'refresh_token');
    expect(refreshes.map(({ form }) => form['refresh_token'])).toEqual(['refresh-1']);
    expect(new Set(provider.bearers.slice(1)).size).toBe(1);
    tab.clock.ms += HOUR_MS;
    provider.is.claims = { exp: Math.floor(tab.clock.ms / 1000) + 3600 };
    await signIn.api.get('/v1/d');
    expect(provider.forms.at(-1)!.form['refresh_token']).toBe('refresh-2');
  });

  test('whose renewal is refused leads to the sign-in page', async () => {
    const provider = fakeProvider();
    const tab = fakeTab();
    const signIn = await signedIn(tab, '/runs?state=failed');
    tab.clock.ms += HOUR_MS;
    provider.is.refusal = () => Response.json({ error: 'invalid_grant' }, { status: 400 });
    await expect(signIn.api.get('/v1/a')).rejects.toMatchObject({ code: 'token-invalid' });
    expect(problemOf(signIn)).toBe('your sign-in is over');
    expect(tab.at.href).toBe(`${CONSOLE}/runs?state=failed`);
  });

  test.each([
    ['no network', () => Promise.reject(new TypeError('failed to fetch'))],
    ['a provider that is being started again', () => new Response('', { status: 503 })],
  ])('survives %s', async (_, refused) => {
    const provider = fakeProvider();
    const tab = fakeTab();
    const signIn = await signedIn(tab);
    tab.clock.ms += HOUR_MS;
    provider.is.refusal = refused;
    await expect(signIn.api.get('/v1/a')).rejects.toMatchObject({ code: 'issuer-unreachable' });
    expect(signIn.state.value.is).toBe('in');
    provider.is.refusal = undefined;
    provider.is.claims = { exp: Math.floor(tab.clock.ms / 1000) + 3600 };
    await expect(signIn.api.get('/v1/a')).resolves.toBeDefined();
  });

  test('never becomes somebody else’s (security case 22)', async () => {
    const provider = fakeProvider();
    const tab = fakeTab();
    const signIn = await signedIn(tab);
    tab.clock.ms += HOUR_MS;
    provider.is.claims = { sub: 'adm-1' };
    await expect(signIn.api.get('/v1/a')).rejects.toThrow('your sign-in is over');
    expect(provider.bearers).toHaveLength(1);
  });

  test('that comes after somebody signed out is given back', async () => {
    const provider = fakeProvider();
    const tab = fakeTab();
    const signIn = await signedIn(tab);
    tab.clock.ms += HOUR_MS;
    const going = signIn.api.get('/v1/a');
    await signIn.end();
    await expect(going).rejects.toThrow('your sign-in is over');
    const revoked = provider.forms.filter(({ path }) => path === '/revoke').map(({ form }) => form['token']);
    expect(new Set(revoked)).toEqual(new Set(['refresh-1', 'refresh-2']));
    expect(signIn.state.value).toMatchObject({ is: 'out' });
    expect(problemOf(signIn)).toBeUndefined();
  });
});

test('a call that took long, with a token that was renewed meanwhile, ends nothing', async () => {
  const provider = fakeProvider();
  const tab = fakeTab();
  const signIn = await signedIn(tab);
  const answer = Promise.withResolvers<Response>();
  const good = provider.is.whoami;
  provider.is.whoami = () => answer.promise;
  const slow = signIn.api.get('/v1/slow');
  await expect.poll(() => provider.bearers.length).toBe(2);
  provider.is.whoami = good;
  tab.clock.ms += HOUR_MS;
  provider.is.claims = { exp: Math.floor(tab.clock.ms / 1000) + 3600 };
  await signIn.api.get('/v1/quick');
  answer.resolve(refusal());
  await expect(slow).rejects.toThrow('you may do nothing any more');
  expect(signIn.state.value.is).toBe('in');
});

describe('the end', () => {
  test('gives the refresh token back, where the provider takes that (RFC 7009)', async () => {
    const provider = fakeProvider();
    const signIn = await signedIn(fakeTab());
    await signIn.end();
    expect(provider.forms.at(-1)).toEqual({
      path: '/revoke',
      form: { client_id: 'cli', token: 'refresh-1', token_type_hint: 'refresh_token' },
    });
    await expect(signIn.api.get('/v1/a')).rejects.toMatchObject({ status: 401 });
  });

  test.each([
    ['it has nowhere for that', undefined],
    ['it would be told elsewhere', 'https://evil.example/revoke'],
  ])('tells nobody where %s', async (_, revocation_endpoint) => {
    const provider = fakeProvider();
    provider.is.metadata = { revocation_endpoint };
    const signIn = await signedIn(fakeTab());
    await signIn.end();
    expect(provider.forms.map(({ path }) => path)).toEqual(['/token']);
    expect(signIn.state.value.is).toBe('out');
  });

  test('comes with the gateway’s words when it takes the token no more (security case 12)', async () => {
    const provider = fakeProvider();
    const signIn = await signedIn(fakeTab());
    provider.is.whoami = refusal;
    const calls = await Promise.allSettled(['/v1/a', '/v1/b'].map((path) => signIn.api.get(path)));
    expect(calls.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(problemOf(signIn)).toBe('you may do nothing any more');
    expect(provider.forms.filter(({ path }) => path === '/revoke')).toHaveLength(1);
  });
});
