/** A client and a target of SSH, each past its login, and how they part. */
import { randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Authorization } from '#core/access/decide.ts';
import { CustodyError } from '#core/errors.ts';
import { printable } from '#core/printable.ts';
import type { Side } from '#core/protocols/ssh/channels/channel.ts';
import type { ChannelGates } from '#core/protocols/ssh/channels/gate.ts';
import { type CertificateLimits, type SessionTerms, termsOf } from '#core/protocols/ssh/channels/terms.ts';
import { contractStarts } from '#core/protocols/ssh/contract/contract-starts.ts';
import { fileGates } from '#core/protocols/ssh/files/file-gates.ts';
import type { SshTarget } from '#core/protocols/ssh/schema.ts';
import type { CloseReason } from '#core/recording/format.ts';
import type { TaskSession } from '#core/tasks/session.ts';
import type { Link } from '../../protocol.ts';
import type { SessionTape } from '../../recorder/tapes.ts';
import type { RelayMemory } from '../../wire/relay-memory.ts';
import { type Leg, type LegEnding, Reason } from './leg.ts';
import { SshRelay } from './relay.ts';
import { lineOf, printableWords } from './words.ts';

/** What a certificate may permit; extensions of PROTOCOL.certkeys without their `permit-`. */
export type Permit = 'pty' | 'port-forwarding' | 'agent-forwarding' | 'X11-forwarding';
const PERMITS: readonly Permit[] = ['pty', 'port-forwarding', 'agent-forwarding', 'X11-forwarding'];

export interface SshLinkParts {
  /** Both are parked. */
  readonly client: Leg;
  readonly target: Leg;
  readonly tape: SessionTape;
  readonly memory: RelayMemory;
  readonly permission: Authorization<'connect'>;
  /** Of the client's certificate: what runs in place of whatever it asks for, and all that it permits. */
  readonly forceCommand?: string | undefined;
  readonly permits?: ReadonlySet<string> | undefined;
  /** Makes the grant this session's; asked before the first approved command goes on. */
  readonly claim: () => Promise<void>;
  /** Where the session is a task of a run. */
  readonly task?: TaskSession | undefined;
  /** Called once, when it is over. */
  readonly release: () => void;
}

interface Ended {
  readonly reason: CloseReason;
  readonly detail?: string;
}

export function sshLink(parts: SshLinkParts): Link {
  return new SshLink(parts);
}

class SshLink implements Link {
  readonly #parts: SshLinkParts;
  readonly #relay: SshRelay;
  readonly #done = Promise.withResolvers<Ended>();
  #over = false;

  constructor(parts: SshLinkParts) {
    this.#parts = parts;
    this.#relay = new SshRelay({
      ...parts,
      terms: sessionTerms(parts, (error) => this.end(reasonOf(error), error)),
      onEnd: (side, end) => (side === 'client' ? this.#clientEnded(end) : this.#targetEnded(end)),
      onFailure: (error) => this.end(reasonOf(error), error),
    });
  }

  get target(): Socket {
    return this.#parts.target.socket;
  }

  relay(): Promise<Ended> {
    if (!this.#over) this.#relay.start();
    return this.#done.promise;
  }

  end(reason: CloseReason, error: CustodyError): void {
    if (this.#over) return;
    this.#relay.tell(channelWords(error));
    this.#finish({ reason, detail: error.detail ?? error.message }, lineOf(error));
  }

  /** A client that closes all its channels has said goodbye, whether or not it also says so to the transport. */
  #clientEnded(end: LegEnding): void {
    if (end.by === 'violation')
      return this.#finish(
        { reason: 'protocol-violation', detail: detailOf('client', end.error) },
        lineOf(end.error),
      );
    const said = end.by === 'disconnect' || this.#relay.channels === 0;
    this.#finish({ reason: said ? 'client-closed' : 'client-lost' }, 'the client has gone');
  }

  #targetEnded(end: LegEnding): void {
    if (this.#over) return;
    if (end.by === 'violation') {
      const error = new CustodyError('protocol-violation', 'the target broke the protocol', {
        hint: 'connect again; tell whoever runs the target when it happens again',
        detail: detailOf('target', end.error),
      });
      return this.end('protocol-violation', error);
    }
    const said = end.by === 'disconnect' ? printable(end.words) : '';
    if (said === '' && this.#relay.channels > 0) return this.end('target-lost', targetLost());
    this.#finish(
      { reason: 'target-closed', ...(said === '' ? {} : { detail: said }) },
      said === '' ? 'the target has closed the connection' : `the target: ${said}`,
    );
  }

  #finish(ended: Ended, words: string): void {
    if (this.#over) return;
    this.#over = true;
    const { client, target, release } = this.#parts;
    if (ended.reason === 'client-closed' || ended.reason === 'client-lost') this.#leaveTarget(ended);
    else if (this.#relay.stop()) target.destroy();
    else target.disconnect(Reason.byApplication, 'the session is over');
    release();
    client.disconnect(Reason.byApplication, words);
    this.#done.resolve(ended);
  }

  /** What the client said before it went still reaches the target; what runs there gets its HUP by the connection's end. */
  #leaveTarget({ reason }: Ended): void {
    const { target } = this.#parts;
    const leave = (): void => {
      this.#relay.stop();
      target.disconnect(Reason.byApplication, reason);
    };
    this.#relay.whenSent(leave);
  }
}

function sessionTerms(
  { permission, forceCommand, permits, task }: SshLinkParts,
  end: (error: CustodyError) => void,
): SessionTerms {
  const { terms, grant } = permission;
  const target = permission.target as SshTarget;
  return termsOf({
    target,
    rule: terms.ssh,
    statements: grant?.statements,
    certificate: limitsOf(forceCommand, permits),
    gates: gatesOf(target, terms.ssh?.files),
    contract: task && contractStarts({ task, end }),
  });
}

function limitsOf(
  forcedCommand: string | undefined,
  permits: ReadonlySet<string> | undefined,
): CertificateLimits | undefined {
  if (forcedCommand === undefined && permits === undefined) return undefined;
  const given = PERMITS.filter((permit) => permits?.has(permit) ?? true);
  return { forcedCommand, permits: new Set(given.map((permit) => `permit-${permit}`)) };
}

/** None where nobody wants to look at files: gates keep much of each window for themselves. */
function gatesOf(
  { recording }: SshTarget,
  files: Parameters<typeof fileGates>[0]['files'],
): ChannelGates | undefined {
  if (files === undefined && recording.files === 'full') return undefined;
  return fileGates({ files, recording: recording.files, random: () => randomInt(2 ** 32) });
}

function reasonOf(error: CustodyError): CloseReason {
  switch (error.code) {
    case 'protocol-violation':
      return 'protocol-violation';
    case 'contract-deviation':
    case 'task-refused':
      return 'deviated';
    default:
      return 'not-approved';
  }
}

function channelWords({ message, hint }: CustodyError): string {
  return [message, ...(hint === undefined ? [] : [hint])].map(printableWords).join('\n');
}

function detailOf(side: Side, { message, detail }: CustodyError): string {
  return printable(`${side}: ${message}${detail === undefined ? '' : ` (${detail})`}`);
}

function targetLost(): CustodyError {
  return new CustodyError('target-lost', 'the target closed the connection unexpectedly', {
    hint: 'the gateway is up; the target may have crashed or restarted: connect again',
  });
}
