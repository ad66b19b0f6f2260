import { Duration } from 'aws-cdk-lib';
import {
  type HeadersFrameOption,
  type HeadersReferrerPolicy,
  type ResponseSecurityHeadersBehavior,
  ResponseHeadersPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import type { Construct } from 'constructs';

type Headers = Readonly<Record<string, string>>;

/** What the origin says of itself is nobody's business. */
const REMOVED = ['server', 'x-amz-server-side-encryption', 'x-amz-version-id'];
const HSTS = Duration.days(730);

/** CloudFront has words of its own for some headers, and takes the others as they are; whatever the origin says gives way. */
export function headersPolicy(
  scope: Construct,
  id: string,
  comment: string,
  headers: Headers,
): ResponseHeadersPolicy {
  const others = Object.entries(headers).filter(([name]) => !(name in KNOWN));
  return new ResponseHeadersPolicy(scope, id, {
    comment,
    securityHeadersBehavior: securityHeaders(headers),
    ...(others.length === 0
      ? {}
      : {
          customHeadersBehavior: {
            customHeaders: others.map(([header, value]) => ({ header, value, override: true })),
          },
        }),
    removeHeaders: REMOVED,
  });
}

type Known = (value: string) => ResponseSecurityHeadersBehavior;
const override = true;

const KNOWN: Readonly<Record<string, Known>> = {
  'content-security-policy': (contentSecurityPolicy) => ({
    contentSecurityPolicy: { contentSecurityPolicy, override },
  }),
  'x-content-type-options': () => ({ contentTypeOptions: { override } }),
  'x-frame-options': (value) => ({ frameOptions: { frameOption: value as HeadersFrameOption, override } }),
  'referrer-policy': (value) => ({
    referrerPolicy: { referrerPolicy: value as HeadersReferrerPolicy, override },
  }),
};

function securityHeaders(headers: Headers): ResponseSecurityHeadersBehavior {
  const strictTransportSecurity = { accessControlMaxAge: HSTS, includeSubdomains: true, override };
  return Object.entries(headers).reduce<ResponseSecurityHeadersBehavior>(
    (known, [name, value]) => ({ ...known, ...KNOWN[name]?.(value) }),
    { strictTransportSecurity },
  );
}
