import { createHash, createHmac } from 'node:crypto';
import { STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stsClient } from '#adapters/aws/clients.ts';
import { eksToken } from '#adapters/aws/eks-token.ts';
import type { Target } from '#core/access/config.ts';
import { protocolOf } from '#core/protocols/protocols.ts';
import { credentialsIn, hasMoto, type Moto, REGION, startMoto } from '#test/support/moto.ts';

const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const ROLE = 'arn:aws:iam::123456789012:role/clusters';
const sts = stsClient({ region: REGION, credentials: KEYS });

/** What aws-iam-authenticator takes a token apart into. */
function opened(token: string): URL {
  expect(token).toMatch(/^k8s-aws-v1\.[A-Za-z0-9_-]+$/);
  return new URL(Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString());
}

/** The signature that STS comes to for this question with this header (Signature Version 4, written from AWS's description). */
function signatureOf({ host, searchParams }: URL, cluster: string, secret: string): string {
  const encoded = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .toSorted()
    .join('&');
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const headers = `host:${host}\nx-k8s-aws-id:${cluster}\n`;
  const canonical = ['GET', '/', query, headers, 'host;x-k8s-aws-id', hash('')].join('\n');
  const [, ...scope] = searchParams.get('X-Amz-Credential')!.split('/');
  const toSign = ['AWS4-HMAC-SHA256', searchParams.get('X-Amz-Date'), scope.join('/'), hash(canonical)];
  const sign = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  return sign(scope.reduce<string | Buffer>(sign, `AWS4${secret}`), toSign.join('\n')).toString('hex');
}

describe('a token of EKS', () => {
  it('is a question to STS, signed with the name of the cluster and good for no longer than EKS wants', async () => {
    const url = opened(await eksToken(sts, REGION, { cluster: 'prod' }));
    expect([url.protocol, url.host, url.pathname]).toEqual(['https:', `sts.${REGION}.amazonaws.com`, '/']);
    const asked = Object.fromEntries(url.searchParams);
    expect(asked).toEqual({
      Action: 'GetCallerIdentity',
      Version: '2011-06-15',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': expect.stringMatching(/^AKIDEXAMPLE\/\d{8}\/eu-central-1\/sts\/aws4_request$/),
      'X-Amz-Date': expect.stringMatching(/^\d{8}T\d{6}Z$/),
      'X-Amz-Expires': '60',
      'X-Amz-SignedHeaders': 'host;x-k8s-aws-id',
      'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(asked['X-Amz-Signature']).toBe(signatureOf(url, 'prod', KEYS.secretAccessKey));
  });

  it('is none for another cluster: the signature is over its name', async () => {
    const url = opened(await eksToken(sts, REGION, { cluster: 'prod' }));
    expect(url.searchParams.get('X-Amz-Signature')).not.toBe(signatureOf(url, 'dev', KEYS.secretAccessKey));
  });

  it.each([
    ['us-west-2', 'sts.us-west-2.amazonaws.com'],
    ['cn-north-1', 'sts.cn-north-1.amazonaws.com.cn'],
  ])('is for the region of the cluster where that is another: %s', async (region, host) => {
    const url = opened(await eksToken(sts, REGION, { cluster: 'prod', region }));
    expect(url.host).toBe(host);
    expect(url.searchParams.get('X-Amz-Credential')).toContain(`/${region}/sts/`);
    expect(url.searchParams.get('X-Amz-Signature')).toBe(signatureOf(url, 'prod', KEYS.secretAccessKey));
    url.searchParams.set(
      'X-Amz-Credential',
      url.searchParams.get('X-Amz-Credential')!.replace(region, REGION),
    );
    expect(url.searchParams.get('X-Amz-Signature')).not.toBe(signatureOf(url, 'prod', KEYS.secretAccessKey));
  });

  it('is not to be had without credentials: the store is unavailable, not the target wrong', async () => {
    const none = new STSClient({ region: REGION, credentials: () => Promise.reject(new Error('none')) });
    await expect(eksToken(none, REGION, { cluster: 'prod' })).rejects.toMatchObject({
      code: 'store-unavailable',
    });
  });
});

describe.runIf(hasMoto())('a token of EKS, and STS', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  const tokenOf = (credential: object): Promise<string> => {
    const target = { protocol: 'kubernetes', name: 'prod', credential } as Target;
    return credentialsIn(moto.clients)(target, protocolOf(target).secretFor(target, undefined)!);
  };

  /** As EKS does; the emulator looks for who signed in a header alone. */
  async function whoIs(token: string): Promise<string> {
    const { search, searchParams } = opened(token);
    const authorization = `AWS4-HMAC-SHA256 Credential=${searchParams.get('X-Amz-Credential')}, SignedHeaders=host, Signature=0`;
    const answer = await fetch(`${moto.endpoint}/${search}`, { headers: { authorization } });
    return /<Arn>(.*)<\/Arn>/.exec(await answer.text())![1]!;
  }

  it('says who the gateway is', async () => {
    expect(await whoIs(await tokenOf({ eks: { cluster: 'prod' } }))).toBe(
      'arn:aws:sts::123456789012:user/moto',
    );
  });

  it('says that it is the role which custody.yaml names', async () => {
    const token = await tokenOf({ eks: { cluster: 'prod', role: ROLE } });
    expect(opened(token).searchParams.get('X-Amz-Security-Token')).toMatch(/.{10}/);
    expect(await whoIs(token)).toBe('arn:aws:sts::123456789012:assumed-role/clusters/custody-gateway');
  });

  it('is refused with words for the operator where the role may not be taken', async () => {
    const refusing = { ...moto.clients, sts: stsClient({ region: REGION, credentials: KEYS }) };
    refusing.sts.middlewareStack.add(
      () => () => Promise.reject(Object.assign(new Error('not authorized'), { name: 'AccessDenied' })),
      { step: 'finalizeRequest', priority: 'high' },
    );
    const target = { protocol: 'kubernetes', name: 'prod' } as Target;
    const reference = { kind: 'eks', cluster: 'prod', role: ROLE } as const;
    await expect(credentialsIn(refusing)(target, reference)).rejects.toMatchObject({
      code: 'target-refused',
      message: expect.stringContaining('"prod"') as string,
      detail: expect.stringContaining(ROLE) as string,
    });
  });
});
