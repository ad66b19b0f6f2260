import {
  type Configuration,
  initiateDeviceAuthorization,
  pollDeviceAuthorizationGrant,
  type TokenEndpointResponse,
} from 'openid-client';
import { CustodyError } from '#core/errors.ts';
import { type Cli, say } from '../cli.ts';
import { scopeOf } from './discover.ts';
import type { Plan } from './plan.ts';
import { adviceFor, oidcError } from './words.ts';

/** Device authorization (RFC 8628): the person confirms a code in a browser anywhere. */
export async function deviceLogin(
  cli: Cli,
  config: Configuration,
  plan: Plan,
): Promise<TokenEndpointResponse> {
  if (config.serverMetadata().device_authorization_endpoint === undefined) throw noDeviceFlow(plan);
  const scope = scopeOf(plan, config);
  let patience: AbortSignal | undefined;
  try {
    const device = await initiateDeviceAuthorization(config, { ...plan.params, scope });
    patience = AbortSignal.timeout(device.expires_in * 1000);
    say(cli, `log in here: ${device.verification_uri_complete ?? device.verification_uri}`);
    say(cli, `and confirm this code: ${device.user_code}`);
    return await pollDeviceAuthorizationGrant(config, device, undefined, { signal: patience });
  } catch (thrown) {
    const cause = patience?.aborted ? { error: 'expired_token' } : thrown;
    const hint = adviceFor(cause, plan, scope) ?? 'run custody login --device again';
    throw oidcError('the login failed', cause, hint);
  }
}

function noDeviceFlow({ issuer, ports: [port] = [8400] }: Plan): CustodyError {
  return new CustodyError('unsupported', `${issuer} has no way to log in with a code`, {
    hint: `log in with a browser: custody login; from another machine by a tunnel: ssh -L ${port}:127.0.0.1:${port} HOST custody login --no-browser --port ${port}`,
  });
}
