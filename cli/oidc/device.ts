import {
  type Configuration,
  initiateDeviceAuthorization,
  pollDeviceAuthorizationGrant,
  type TokenEndpointResponse,
} from 'openid-client';
import { type Cli, say } from '../cli.ts';
import { SCOPE } from './discover.ts';
import { oidcError } from './words.ts';

/** Device authorization (RFC 8628): the person confirms a code in a browser anywhere. */
export async function deviceLogin(cli: Cli, config: Configuration): Promise<TokenEndpointResponse> {
  let patience: AbortSignal | undefined;
  try {
    const device = await initiateDeviceAuthorization(config, { scope: SCOPE });
    patience = AbortSignal.timeout(device.expires_in * 1000);
    say(cli, `log in here: ${device.verification_uri_complete ?? device.verification_uri}`);
    say(cli, `and confirm this code: ${device.user_code}`);
    return await pollDeviceAuthorizationGrant(config, device, undefined, { signal: patience });
  } catch (thrown) {
    const cause = patience?.aborted ? { error: 'expired_token' } : thrown;
    throw oidcError('the login failed', cause, 'run custody login --device again');
  }
}
