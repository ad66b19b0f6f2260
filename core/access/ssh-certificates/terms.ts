/** What a user's certificate says of the session itself (OpenSSH's PROTOCOL.certkeys, "Critical options" and "Extensions"). */
import { optionText, type SshCertificate } from '../../protocols/ssh/keys/certificate.ts';

export type Permit = 'X11-forwarding' | 'agent-forwarding' | 'port-forwarding' | 'pty';

export interface SessionTerms {
  /** The one command that may run, whatever the client asks for. */
  readonly forceCommand?: string;
  /** What the session may ask for; rules may allow less. */
  readonly permits: ReadonlySet<Permit>;
}

const PERMITS: readonly Permit[] = ['X11-forwarding', 'agent-forwarding', 'port-forwarding', 'pty'];

/** Of a certificate that was verified. */
export function sessionTerms({ criticalOptions, extensions }: SshCertificate): SessionTerms {
  const command = criticalOptions.get('force-command');
  return {
    ...(command === undefined ? {} : { forceCommand: optionText(command) }),
    permits: new Set(PERMITS.filter((name) => extensions.has(`permit-${name}`))),
  };
}
