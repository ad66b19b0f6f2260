import type { SshRule } from '../schema.ts';
import type { ChannelGates, ContractStarts } from './gate.ts';

/** What one session may do: of its rule, its target, its grant and its certificate together. */
export interface SessionTerms {
  /** Environment variables that may be set; `*` stands for any run of characters. */
  readonly env: readonly string[];
  readonly subsystems: readonly string[];
  readonly forward: Required<NonNullable<SshRule['forward']>>;
  /** False where the client's certificate does not permit a terminal. */
  readonly pty: boolean;
  /** SHA-256 of the only commands that may run (statements.ts); any when absent. */
  readonly exact?: ReadonlySet<string> | undefined;
  /** What runs in place of whatever is asked for, as the client's certificate has it. */
  readonly forcedCommand?: string | undefined;
  /** Asked of every start that the rest lets pass. */
  readonly gates?: ChannelGates | undefined;
  /** Where the session is a task of a run. */
  readonly contract?: ContractStarts | undefined;
}

/** What a certificate may take away of what rules give (PROTOCOL.certkeys); without one nothing is. */
export interface CertificateLimits {
  readonly forcedCommand?: string | undefined;
  readonly permits: ReadonlySet<string>;
}

export interface TermsOf {
  readonly target: { readonly env: readonly string[]; readonly subsystems: readonly string[] };
  readonly rule?: SshRule | undefined;
  readonly statements?: readonly { readonly sha256: string }[] | undefined;
  readonly certificate?: CertificateLimits | undefined;
  readonly gates?: ChannelGates | undefined;
  readonly contract?: ContractStarts | undefined;
}

const NOTHING: SessionTerms['forward'] = { local: [], remote: [], agent: false, x11: false };

/**
 * A session for exact commands, or under a contract, forwards nothing: what goes through a forwarding is no command that somebody named.
 * Under a contract it sets no variables either: by them a command could mean something else.
 */
export function termsOf({ target, rule, statements, certificate, gates, contract }: TermsOf): SessionTerms {
  const permits = (what: string): boolean => certificate === undefined || certificate.permits.has(what);
  const isBound = statements !== undefined || contract !== undefined;
  const given = (isBound ? undefined : rule?.forward) ?? NOTHING;
  return {
    env: contract === undefined ? target.env : [],
    subsystems: target.subsystems,
    pty: permits('permit-pty'),
    forward: {
      ...(permits('permit-port-forwarding') ? given : NOTHING),
      agent: given.agent && permits('permit-agent-forwarding'),
      x11: given.x11 && permits('permit-X11-forwarding'),
    },
    exact: statements && new Set(statements.map(({ sha256 }) => sha256)),
    forcedCommand: certificate?.forcedCommand,
    gates,
    contract,
  };
}
