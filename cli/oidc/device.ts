import {
  type Configuration,
  initiateDeviceAuthorization,
  pollDeviceAuthorizationGrant,
  type TokenEndpointResponse,
} from 'openid-client';
import { type Cli, say } from '../cli.ts';
import { oidcError, SCOPE } from './discover.ts';

/** Device authorization (RFC 8628): the person confirms a code in a browser anywhere. */
export async function deviceLogin(cli: Cli, config: Configuration): Promise<TokenEndpointResponse> {
  try {
    const device = await initiateDeviceAuthorization(config, { scope: SCOPE });
    say(cli, `log in here: ${device.verification_uri_complete ?? device.verification_uri}`);
    say(cli, `and confirm this code: ${device.user_code}`);
    return await pollDeviceAuthorizationGrant(config, device);
  } catch (thrown) {
    throw oidcError('the login failed', thrown, 'run custody login --device again');
  }
}
