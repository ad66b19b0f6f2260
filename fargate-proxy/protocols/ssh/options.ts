import type { TargetCredential, TargetLogin } from '#core/access/ssh-certificates/target-certificate.ts';
import type { ClientSideOptions } from './client-side.ts';
import type { CredentialOptions } from './credential.ts';

/** What SSH needs of the gateway that speaks it. */
export interface SshOptions extends ClientSideOptions, CredentialOptions {
  /** A key and a certificate of it, for one session. Absent where there is no CA for targets. */
  readonly targetCertificate?: ((login: TargetLogin) => Promise<TargetCredential>) | undefined;
}
