/** A CloudFront of one process: the behaviours of a synthesized template, with the very text of their functions. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runInNewContext } from 'node:vm';
import type { Template } from 'aws-cdk-lib/assertions';

/** A managed policy: all that the viewer sends, but for the name that it called. */
const ALL_BUT_HOST = 'b689b0a8-53d0-40ab-baf2-68738e2966ac';

interface Valued {
  readonly value: string;
}

/** https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html */
export interface EdgeRequest {
  readonly method: string;
  uri: string;
  querystring: Record<string, Valued>;
  headers: Record<string, Valued>;
  cookies: Record<string, Valued>;
}

export interface EdgeAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, Valued>>;
  readonly body: string;
}

export interface Behaviour {
  /** `/v1/*`; the rest where it is absent. */
  readonly pattern: string | undefined;
  readonly methods: readonly string[];
  readonly code: string;
  readonly run: (event: object) => EdgeRequest | EdgeAnswer;
  /** What viewers are told, whatever the origin says. */
  readonly headers: Readonly<Record<string, string>>;
  readonly takesAll: boolean;
  /** What CloudFormation finds the origin by. */
  readonly origin: string;
  /** Headers that the origin gets from CloudFront: their names. */
  readonly secrets: readonly string[];
  readonly config: Json;
}

type Json = Readonly<Record<string, unknown>>;

/** Those with a pattern first, in their order, as CloudFront looks. */
export function behavioursOf(template: Template): Behaviour[] {
  const all = template.toJSON() as { Resources: Record<string, { Type: string; Properties: Json }> };
  const of = (id: string): Json => all.Resources[id]!.Properties;
  const [found] = Object.values(all.Resources).filter(({ Type }) => Type === 'AWS::CloudFront::Distribution');
  const config = found!.Properties['DistributionConfig'] as {
    readonly CacheBehaviors: readonly Json[];
    readonly DefaultCacheBehavior: Json;
    readonly Origins: readonly Json[];
  };
  return [...config.CacheBehaviors, config.DefaultCacheBehavior].map((behaviour) => {
    const [{ FunctionARN }] = behaviour['FunctionAssociations'] as [
      { FunctionARN: { 'Fn::GetAtt': [string, string] } },
    ];
    const code = String(of(FunctionARN['Fn::GetAtt'][0])['FunctionCode']);
    const policy = (behaviour['ResponseHeadersPolicyId'] as { Ref: string }).Ref;
    const origin = config.Origins.find(({ Id }) => Id === behaviour['TargetOriginId'])!;
    const given = (origin['OriginCustomHeaders'] ?? []) as readonly { HeaderName: string }[];
    return {
      pattern: behaviour['PathPattern'] as string | undefined,
      methods: behaviour['AllowedMethods'] as readonly string[],
      code,
      run: runInNewContext(`${code}\nhandler`, {}) as Behaviour['run'],
      headers: headersOf(of(policy)),
      takesAll: behaviour['OriginRequestPolicyId'] === ALL_BUT_HOST,
      origin: JSON.stringify(origin['DomainName']),
      secrets: given.map(({ HeaderName }) => HeaderName),
      config: behaviour,
    };
  });
}

/** What a policy of response headers makes viewers see. */
function headersOf(policy: Json): Record<string, string> {
  const { SecurityHeadersConfig: security, CustomHeadersConfig: custom } = policy[
    'ResponseHeadersPolicyConfig'
  ] as {
    SecurityHeadersConfig: Readonly<Record<string, Readonly<Record<string, string | number>>>>;
    CustomHeadersConfig?: { Items: readonly { Header: string; Value: string }[] };
  };
  const {
    ContentSecurityPolicy: csp,
    FrameOptions,
    ReferrerPolicy,
    StrictTransportSecurity: hsts,
  } = security;
  return {
    'content-security-policy': String(csp!['ContentSecurityPolicy']),
    'x-content-type-options': 'nosniff',
    'strict-transport-security': `max-age=${hsts!['AccessControlMaxAgeSec']}; includeSubDomains`,
    'referrer-policy': String(ReferrerPolicy!['ReferrerPolicy']),
    ...(FrameOptions === undefined ? {} : { 'x-frame-options': String(FrameOptions['FrameOption']) }),
    ...Object.fromEntries((custom?.Items ?? []).map(({ Header, Value }) => [Header, Value])),
  };
}

/** What CloudFront asks the first of its functions. */
export function edgeEvent(
  { method, url = '/', headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  ip: string,
): { readonly viewer: { readonly ip: string }; readonly request: EdgeRequest } {
  const [uri, query = ''] = url.split('?') as [string, string?];
  const parameters = query === '' ? [] : query.split('&').map((one) => one.split('=') as [string, string?]);
  return {
    viewer: { ip },
    request: {
      method: method ?? 'GET',
      uri,
      // As they were sent: nothing is decoded.
      querystring: Object.fromEntries(parameters.map(([name, value = '']) => [name, { value }])),
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, { value: String(value) }]),
      ),
      cookies: {},
    },
  };
}

export interface CloudFront {
  readonly url: string;
  close(): Promise<void>;
}

export interface CloudFrontOptions {
  /** Where an origin of the template is here. */
  readonly originOf: (domain: string) => string;
  /** The value of what origins are shown. */
  readonly secret: string;
  /** The address that everybody comes from. */
  readonly viewer: string;
}

export async function startCloudFront(template: Template, options: CloudFrontOptions): Promise<CloudFront> {
  const behaviours = behavioursOf(template);
  const server = createServer((request, response) => {
    answerOf(request, behaviours, options).then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      () => response.writeHead(502).end(),
    );
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

async function answerOf(
  request: IncomingMessage,
  behaviours: readonly Behaviour[],
  { originOf, secret, viewer }: CloudFrontOptions,
) {
  const path = request.url!.split('?')[0]!;
  const behaviour = behaviours.find(({ pattern }) => pattern === undefined || matches(pattern, path))!;
  if (!behaviour.methods.includes(request.method!)) return { status: 403, headers: {}, body: '' };
  const decided = behaviour.run(edgeEvent(request, viewer));
  if ('statusCode' in decided)
    return { status: decided.statusCode, headers: plain(decided.headers), body: decided.body };
  const query = new URLSearchParams(plain(decided.querystring));
  const text = Object.entries(plain(decided.querystring))
    .map((one) => one.join('='))
    .join('&');
  const search = behaviour.takesAll && query.size > 0 ? `?${text}` : '';
  const body = await bodyOf(request);
  const answered = await fetch(originOf(behaviour.origin) + decided.uri + search, {
    method: request.method!,
    redirect: 'manual',
    headers: {
      ...(behaviour.takesAll ? withoutHost(plain(decided.headers)) : {}),
      ...Object.fromEntries(behaviour.secrets.map((name) => [name, secret])),
    },
    ...(body.byteLength === 0 ? {} : { body }),
  });
  const {
    'content-encoding': _coded,
    'transfer-encoding': _sent,
    connection: _kept,
    ...headers
  } = Object.fromEntries(answered.headers);
  const bytes = Buffer.from(await answered.arrayBuffer());
  const told = { ...headers, ...behaviour.headers, 'content-length': String(bytes.byteLength) };
  return { status: answered.status, headers: told, body: bytes };
}

function matches(pattern: string, path: string): boolean {
  return path.startsWith(pattern.slice(0, -1));
}

function plain(valued: Readonly<Record<string, Valued>>): Record<string, string> {
  return Object.fromEntries(Object.entries(valued).map(([name, { value }]) => [name, value]));
}

/** The origin's name, and what is between two servers, is not the viewer's. */
function withoutHost({
  host: _host,
  connection: _kept,
  'content-length': _length,
  ...headers
}: Record<string, string>) {
  return headers;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
