/** Which requests of a client pass on a session channel (RFC 4254 section 6), and what it asks to run. */

import { fits } from '#core/access/patterns.ts';
import { bareStatement, statementHash } from '#core/access/statements.ts';
import type { ChannelStart } from './gate.ts';
import { type ChannelRequest, COMMAND_MAX, TEXT_MAX } from './messages.ts';
import type { SessionTerms } from './terms.ts';

export type RequestVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'pty' | 'agent' | 'x11' }
  | { readonly kind: 'start'; readonly start: ChannelStart }
  | { readonly kind: 'refuse'; readonly words: string };

const PASS: RequestVerdict = { kind: 'pass' };

/** What is not known is refused. */
export function requestedByClient({ name, reader }: ChannelRequest, terms: SessionTerms): RequestVerdict {
  switch (name) {
    case 'shell':
      return { kind: 'start', start: { kind: 'shell' } };
    case 'exec':
      return { kind: 'start', start: { kind: 'exec', command: reader.text(COMMAND_MAX) } };
    case 'subsystem':
      return { kind: 'start', start: { kind: 'subsystem', name: reader.text(TEXT_MAX) } };
    case 'env':
      return environment(reader.text(TEXT_MAX), terms);
    case 'pty-req':
      return terms.exact === undefined && terms.pty
        ? { kind: 'pty' }
        : refuse('no terminal is given in this session');
    case 'auth-agent-req@openssh.com':
      return terms.forward.agent ? { kind: 'agent' } : refuse('no rule lets you forward your agent');
    case 'x11-req':
      return terms.forward.x11 ? { kind: 'x11' } : refuse('no rule lets you forward X11');
    case 'window-change':
    case 'signal':
    case 'break':
    case 'xon-xoff':
    case 'eow@openssh.com':
    case 'keepalive@openssh.com':
      return PASS;
    default:
      return refuse('the gateway does not know this request');
  }
}

function environment(variable: string, { env }: SessionTerms): RequestVerdict {
  const isListed = /^\w+$/.test(variable) && env.some((pattern) => fits(pattern, variable));
  return isListed ? PASS : refuse('the target takes no such variable');
}

/** Requests that the target may send on a session channel, or on any other. */
export const REQUESTS_OF_TARGET: ReadonlySet<string> = new Set([
  'exit-status',
  'exit-signal',
  'xon-xoff',
  'eow@openssh.com',
  'keepalive@openssh.com',
]);

/** On channels that are no sessions. */
export const REQUESTS_ANYWHERE: ReadonlySet<string> = new Set(['eow@openssh.com', 'keepalive@openssh.com']);

/**
 * What runs for what was asked: a certificate's command in place of anything else. Words say why nothing may. All three ways to
 * start something go through here, so that no file transfer is looked at less than a shell (security case 4).
 */
export function startFor(
  asked: ChannelStart,
  terms: SessionTerms,
): { readonly start: ChannelStart } | { readonly words: string } {
  const { forcedCommand, exact, subsystems } = terms;
  const start = forcedCommand === undefined ? asked : forced(forcedCommand);
  if (exact !== undefined) return exactly(start, exact);
  if (start.kind === 'subsystem' && !subsystems.includes(start.name))
    return { words: 'this target gives no such subsystem; custody.yaml lists those that it does' };
  return { start };
}

/** sshd(8), ForceCommand: one name means the server of SFTP that is built in. */
function forced(command: string): ChannelStart {
  return command === 'internal-sftp' ? { kind: 'subsystem', name: 'sftp' } : { kind: 'exec', command };
}

function exactly(
  start: ChannelStart,
  approved: ReadonlySet<string>,
): { readonly start: ChannelStart } | { readonly words: string } {
  if (start.kind !== 'exec')
    return { words: 'only the approved commands run in this session: no shell, no file transfer' };
  // Semicolons and rarer blanks at the ends, which the approval's digest leaves out, a shell might read otherwise.
  const command = bareStatement(start.command);
  const at = start.command.indexOf(command);
  const ends = start.command.slice(0, at) + start.command.slice(at + command.length);
  if (!/^[ \t\n]*$/.test(ends) || !approved.has(statementHash(command)))
    return { words: 'this command is not one of those that were approved' };
  return { start: { kind: 'exec', command } };
}

function refuse(words: string): RequestVerdict {
  return { kind: 'refuse', words };
}
