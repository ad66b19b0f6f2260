import { GetWebIdentityTokenCommand, STSClient } from '@aws-sdk/client-sts';
import { CustodyError } from '#core/errors.ts';

/** Long enough for a login, and for no more: whoever needs another gets another. */
const LIVES_S = 900;

/**
 * A signed token about the role that this process has in AWS (IAM outbound identity federation), for `audience`. Region and
 * credentials are those of the AWS SDK. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
 */
export async function webIdentityToken(audience: string): Promise<string> {
  const client = new STSClient({});
  try {
    const asked = { Audience: [audience], SigningAlgorithm: 'ES384', DurationSeconds: LIVES_S };
    const { WebIdentityToken: token } = await client.send(new GetWebIdentityTokenCommand(asked));
    if (token !== undefined) return token;
  } catch (cause) {
    const { name, message } = cause as Error;
    throw new CustodyError('token-missing', `AWS gives no token: ${message || name}`, {
      hint: hints[name] ?? 'are there a region (AWS_REGION) and credentials in the environment?',
      cause,
    });
  } finally {
    client.destroy();
  }
  throw new CustodyError('token-missing', 'AWS gives no token');
}

const hints: Readonly<Record<string, string>> = {
  OutboundWebIdentityFederationDisabledException:
    'an administrator turns it on once for the account: aws iam enable-outbound-web-identity-federation',
  OutboundWebIdentityFederationDisabled:
    'an administrator turns it on once for the account: aws iam enable-outbound-web-identity-federation',
  AccessDenied: 'the role needs sts:GetWebIdentityToken',
  AccessDeniedException: 'the role needs sts:GetWebIdentityToken',
};
