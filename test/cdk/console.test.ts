import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { readDeploymentConfig } from '#cdk/config.ts';
import { behavioursOf, type EdgeAnswer, type EdgeRequest, edgeEvent } from '#test/support/cloudfront.ts';
import { policiesOf } from '#test/support/role-policies.ts';
import { gatewayTemplate, MINIMAL } from '#test/support/stacks.ts';
import { isPage, PAGE_ROOTS } from '../../console/build/addresses.ts';
import { consoleHeaders, DATA_HEADERS, ONLY_TLS } from '../../console/build/headers.ts';

const template = gatewayTemplate();
const ISSUER = 'https://login.example.com';
const [api, evidence, pages] = behavioursOf(template) as [Behaviour, Behaviour, Behaviour];
type Behaviour = ReturnType<typeof behavioursOf>[number];

const asked = ({ run }: Behaviour, url: string, headers: Readonly<Record<string, string>> = {}) =>
  run(edgeEvent({ method: 'GET', url, headers }, '2001:db8::7'));
const passed = (behaviour: Behaviour, url: string, headers = {}): EdgeRequest => {
  const decided = asked(behaviour, url, headers);
  if ('statusCode' in decided) throw new Error(`${url} was answered with ${decided.statusCode}`);
  return decided;
};

describe('the console behind CloudFront', () => {
  it('has pages, the API and evidence under one origin, over TLS alone, and a log', () => {
    expect([api.pattern, evidence.pattern, pages.pattern]).toEqual(['/v1/*', '/evidence/*', undefined]);
    expect(api.origin).toContain('ApiEndpoint');
    expect(evidence.origin).toContain('GatewayEvidenceBucket');
    expect(pages.origin).toContain('GatewayConsoleEdgeFilesBucket');
    template.hasResourceProperties('AWS::CloudFront::Distribution', {
      DistributionConfig: Match.objectLike({
        HttpVersion: 'http2and3',
        IPV6Enabled: true,
        Logging: Match.anyValue(),
        DefaultCacheBehavior: Match.objectLike({ ViewerProtocolPolicy: 'redirect-to-https', Compress: true }),
        CacheBehaviors: [api, evidence].map(() => Match.objectLike({ ViewerProtocolPolicy: 'https-only' })),
      }),
    });
  });

  it('tells browsers what every other server of the console tells them', () => {
    expect(pages.headers).toEqual({ ...consoleHeaders([ISSUER]), ...ONLY_TLS });
    expect(api.headers).toEqual({ ...DATA_HEADERS, ...ONLY_TLS });
    expect(evidence.headers).toEqual({ ...DATA_HEADERS, ...ONLY_TLS, 'content-disposition': 'attachment' });
  });

  it('keeps nothing of the API and of evidence, and shows S3 and the API the names that they have', () => {
    for (const { config, takesAll } of [api, evidence]) {
      expect(config['CachePolicyId']).toBe('4135ea2d-6df8-44a3-9df3-4b5a84be39ad');
      expect(takesAll).toBe(true);
    }
    expect(pages.takesAll).toBe(false);
    expect([evidence.methods, pages.methods]).toEqual([
      ['GET', 'HEAD'],
      ['GET', 'HEAD'],
    ]);
    expect(evidence.secrets).toEqual([]);
    expect(api.secrets).toEqual(['x-custody-edge']);
    expect(JSON.stringify(template.toJSON())).toContain('{{resolve:secretsmanager:');
  });

  it.each([
    ['/', '/index.html'],
    ...PAGE_ROOTS.map((root) => [`/${root}`, '/index.html']),
    ['/sessions/019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f/proof', '/index.html'],
    ['/index.html', '/index.html'],
    ['/assets/main-ABCDEFGH.js', '/assets/main-ABCDEFGH.js'],
  ] as [string, string][])('finds for %s the file %s', (url, file) => {
    expect(passed(pages, `${url}?target=orders`).uri).toBe(file);
  });

  it.each(['/x', '/sessions//x', '/requests/%2e', '/files.json', '/objects/x', '/assets'])(
    'finds nothing for %s, and says so under the same policy',
    (url) => {
      expect(isPage(url)).toBe(false);
      const { statusCode, headers } = asked(pages, url) as EdgeAnswer;
      expect(statusCode).toBe(404);
      for (const [name, value] of Object.entries(consoleHeaders([ISSUER])))
        expect(headers[name]).toEqual({ value });
    },
  );

  it('tells the API who asks, whatever the viewer says of that (security case 19)', () => {
    const sent = { authorization: 'Bearer t', 'x-custody-viewer': '10.0.0.1', 'if-match': '"1"' };
    const { uri, headers } = passed(api, '/v1/sessions/1?limit=2', sent);
    expect(uri).toBe('/v1/sessions/1');
    expect(headers['x-custody-viewer']).toEqual({ value: '2001:db8::7' });
    expect(headers['authorization']).toEqual({ value: 'Bearer t' });
  });

  it.each(['/v1/scim/okta/v2/Users', '/v1/logout/okta', '/v1/%73cim/okta', '/v1//logout/x', '/v1/%zz'])(
    'leaves %s to the address of the API itself',
    (url) => {
      expect(asked(api, url)).toMatchObject({ statusCode: 404 });
    },
  );

  it('hands a link on as S3 signed it, and nothing of who asks', () => {
    const query = 'X-Amz-Credential=a%2Fb&X-Amz-Signature=abc&x-id=GetObject';
    const sent = { authorization: 'Bearer t', range: 'bytes=0-9' };
    const { uri, querystring, headers } = passed(evidence, `/evidence/sessions/1/open.json?${query}`, sent);
    expect(uri).toBe('/sessions/1/open.json');
    expect(querystring['X-Amz-Credential']).toEqual({ value: 'a%2Fb' });
    expect(headers).toEqual({ range: { value: 'bytes=0-9' } });
    expect(asked(evidence, '/evidence/sessions/1/open.json')).toMatchObject({ statusCode: 404 });
  });

  it('runs functions that CloudFront takes: of 10 KB at most', () => {
    for (const { code } of [api, evidence, pages]) expect(Buffer.byteLength(code)).toBeLessThan(10_000);
  });

  it('puts the page after what it names, and removes nothing that an open page may load', () => {
    const found = Object.entries(template.findResources('Custom::CDKBucketDeployment')).filter(([id]) =>
      id.includes('Console'),
    );
    const [assets, page] = found as [(typeof found)[0], (typeof found)[0]];
    expect(found.map(([, { Properties }]) => [Properties.SystemMetadata, Properties.Prune])).toEqual([
      [{ 'cache-control': 'public, max-age=31536000, immutable' }, false],
      [{ 'cache-control': 'no-cache' }, false],
    ]);
    expect(page[1]['DependsOn']).toContain(assets[0]);
  });

  it('is known to the authorizer by a secret that nobody else reads', () => {
    const readers = Object.values(template.findResources('AWS::IAM::Policy')).filter((policy) =>
      JSON.stringify(policy).includes('GatewayConsoleEdgeSecret'),
    );
    expect(readers).toHaveLength(1);
    expect(JSON.stringify(policiesOf(template, 'GatewayFunctionsAuthorizerRole'))).toContain(
      'GatewayConsoleEdgeSecret',
    );
  });

  it('has a name of its own, with a web ACL, where it is given one', () => {
    const domainName = 'custody.example.com';
    const certificateArn = 'arn:aws:acm:us-east-1:123456789012:certificate/0a-1b';
    const webAclArn = 'arn:aws:wafv2:us-east-1:123456789012:global/webacl/custody/0a-1b';
    const own = gatewayTemplate({ console: { domainName, certificateArn, webAclArn } });
    own.hasResourceProperties('AWS::CloudFront::Distribution', {
      DistributionConfig: Match.objectLike({
        Aliases: [domainName],
        ViewerCertificate: Match.objectLike({
          AcmCertificateArn: certificateArn,
          MinimumProtocolVersion: 'TLSv1.2_2021',
        }),
        WebACLId: webAclArn,
      }),
    });
    expect(own.findOutputs('ConsoleUrl')['ConsoleUrl']!['Value']).toBe(`https://${domainName}`);
    expect(own.findOutputs('ConsoleName')['ConsoleName']).toBeDefined();
  });
});

describe('the console at the API', () => {
  const own = gatewayTemplate({ console: 'api' });

  it('is a function that everybody may ask, for pages, their parts, and evidence', () => {
    const routes = Object.values(own.findResources('AWS::ApiGatewayV2::Route')).map(
      ({ Properties }) => Properties as Readonly<Record<string, string>>,
    );
    const ofPages = routes.filter(({ RouteKey }) => !RouteKey!.includes(' /v1/'));
    const paths = ['/', '/assets/{proxy+}', '/evidence/{proxy+}'].concat(
      PAGE_ROOTS.flatMap((root) => [`/${root}`, `/${root}/{proxy+}`]),
    );
    const wanted = paths.flatMap((path) => [`GET ${path}`, `HEAD ${path}`]);
    expect(new Set(ofPages.map(({ RouteKey }) => RouteKey))).toEqual(new Set(wanted));
    expect(new Set(ofPages.map(({ AuthorizationType }) => AuthorizationType))).toEqual(new Set(['NONE']));
    own.resourceCountIs('AWS::CloudFront::Distribution', 0);
  });

  it('reads the configuration, and nothing else', () => {
    const actions = policiesOf(own, 'GatewayFunctionsConsoleRole').flatMap(({ Statement }) =>
      Statement.flatMap(({ Action }) => Action),
    );
    expect(new Set(actions)).toEqual(
      new Set(
        ['s3:GetObject', 's3:ListBucket', 'logs:CreateLogStream', 'logs:PutLogEvents'].concat([
          'xray:PutTraceSegments',
          'xray:PutTelemetryRecords',
        ]),
      ),
    );
  });

  it('may have the page fetch evidence from the bucket, and no other page may', () => {
    own.hasResourceProperties('AWS::S3::Bucket', {
      ObjectLockEnabled: true,
      CorsConfiguration: {
        CorsRules: [
          Match.objectLike({
            AllowedOrigins: [{ 'Fn::GetAtt': [Match.stringLikeRegexp('^GatewayApi'), 'ApiEndpoint'] }],
            AllowedMethods: ['GET', 'HEAD'],
          }),
        ],
      },
    });
    expect(JSON.stringify(template.findResources('AWS::S3::Bucket'))).not.toContain('CorsConfiguration');
    expect(own.findOutputs('ConsoleUrl')).not.toEqual({});
  });
});

describe('no console', () => {
  const none = gatewayTemplate({ console: false });

  it('leaves nothing of it', () => {
    none.resourceCountIs('AWS::CloudFront::Distribution', 0);
    expect(none.findOutputs('ConsoleUrl')).toEqual({});
    expect(Object.keys(none.toJSON()['Resources'] as object).filter((id) => /Console/.test(id))).toEqual([]);
  });

  it.each<[console: unknown, says: string]>([
    ['cloudfront', '.console: found "cloudfront", expected false, "api", or an object with domainName'],
    [
      { domainName: 'custody.example.com' },
      'expected false, "api", or an object with domainName and certificateArn',
    ],
    [
      { domainName: 'a.example.com', certificateArn: 'arn:aws:acm:eu-central-1:123456789012:certificate/0a' },
      '.console.certificateArn: found "arn:aws:acm:eu-central-1:123456789012:certificate/0a", expected the ARN of a certificate in us-east-1',
    ],
    [{ domain: 'a.example.com' }, '.console: there is no key "domain"'],
  ])('is not what %j is taken for', (console, says) => {
    expect(() => readDeploymentConfig({ ...MINIMAL, console })).toThrow(says);
  });
});
