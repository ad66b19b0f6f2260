import type { ServerContent } from './contents.ts';
import { isStatement, type Operation } from './operations.ts';

/** Messages that answer nothing, and come at any time. */
export function isAsynchronous({ kind }: ServerContent): boolean {
  return kind === 'notice' || kind === 'notification' || kind === 'parameter-status';
}

/** Can it be the first that the server says to `operation`? */
export function canAnswer({ kind }: ServerContent, operation: Operation): boolean {
  switch (kind) {
    case 'error':
      return true;
    case 'parse-complete':
      return operation.kind === 'parse';
    case 'bind-complete':
      return operation.kind === 'bind';
    case 'close-complete':
      return operation.kind === 'close';
    case 'no-data':
    case 'parameter-description':
      return operation.kind === 'describe';
    case 'row-description':
      return operation.kind === 'describe' || operation.kind === 'query';
    case 'ready-for-query':
      return operation.kind === 'sync';
    default:
      return isStatement(operation);
  }
}
