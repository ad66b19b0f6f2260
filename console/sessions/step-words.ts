/** The line that a step has in a list, from what its JSON says: each protocol has its own. */
import type { Step, Value } from '../api/sessions.ts';
import { counted } from './words.ts';

/** Nobody sees more of a line. */
const HEAD_MAX = 400;

interface Parts {
  readonly statement?: Value;
  readonly runs?: Value;
  readonly command?: Value;
  readonly said?: Value;
  readonly text?: string;
  readonly note?: { readonly kind?: string };
  readonly login?: { readonly user: string };
  readonly error?: { readonly message: string };
  readonly file?: { readonly operation?: string; readonly path?: Value | string };
  readonly forward?: { readonly kind?: string; readonly to?: unknown; readonly port?: number };
  readonly call?: {
    readonly verb?: string;
    readonly method: string;
    readonly resource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly status?: number;
    readonly target: Value;
  };
  readonly event?: { readonly type: string; readonly kind: string; readonly name?: string };
  readonly request?: { readonly type: string };
  readonly notification?: { readonly channel: string };
}

/** What was asked, in one line. The text of others is as it was. */
export function headOf(step: Step): string {
  return (whatOf(step) || step.kind).slice(0, HEAD_MAX);
}

function whatOf(step: Step & Parts): string {
  const { statement, command, call, login, error, text, said, note, event, request, notification } = step;
  if (statement !== undefined) return statement.text.trim();
  if (command !== undefined) return command.text;
  if (call !== undefined) return callText(call);
  if (login !== undefined) return `login of ${login.user}`;
  if (step.file !== undefined) return fileText(step.file);
  if (step.forward !== undefined) return forwardText(step.forward);
  if (event !== undefined) return [event.type, event.kind, event.name].filter(Boolean).join(' ');
  if (error !== undefined) return error.message;
  if (request !== undefined) return request.type;
  if (notification !== undefined) return `notification on ${notification.channel}`;
  return text ?? said?.text ?? note?.kind ?? '';
}

function callText(call: NonNullable<Parts['call']>): string {
  if (call.verb === undefined || call.resource === undefined) return `${call.method} ${call.target.text}`;
  const where = call.namespace === undefined ? '' : ` in ${call.namespace}`;
  return `${call.verb} ${call.resource}${call.name === undefined ? '' : ` ${call.name}`}${where}`;
}

function fileText({ operation = 'file', path = '' }: NonNullable<Parts['file']>): string {
  return `${operation} ${typeof path === 'string' ? path : path.text}`;
}

function forwardText({ kind, to, port }: NonNullable<Parts['forward']>): string {
  if (port !== undefined) return `port ${port}${typeof to === 'string' ? ` of ${to}` : ''}`;
  const address = to as { readonly host?: string; readonly port?: number } | undefined;
  return `forward ${kind ?? ''} ${address?.host ?? ''}${address?.port === undefined ? '' : `:${address.port}`}`;
}

/** What came of it, in a word or two. */
export function resultOf(step: Step): string {
  const { error, call, exitStatus, program, tag, rowCount, outcome } = step as Step & {
    readonly error?: { readonly sqlstate?: string };
    readonly call?: { readonly status?: number };
    readonly exitStatus?: number;
    readonly program?: { readonly exitStatus?: number; readonly exitCode?: number };
    readonly tag?: string;
    readonly rowCount?: number;
  };
  if (error?.sqlstate !== undefined) return error.sqlstate;
  if (rowCount !== undefined && !isWriteTag(tag)) return counted(rowCount, 'row');
  if (tag !== undefined) return tag;
  if (call?.status !== undefined) return String(call.status);
  const exit = exitStatus ?? program?.exitStatus ?? program?.exitCode;
  if (exit !== undefined) return `exit ${exit}`;
  return outcome === undefined || outcome === 'completed' ? '' : outcome;
}

function isWriteTag(tag: string | undefined): boolean {
  return tag !== undefined && /^(?:INSERT|UPDATE|DELETE|MERGE)\b/.test(tag);
}

export function isSql(step: Step): boolean {
  return (step as Step & Parts).statement !== undefined;
}
