import type { Config } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import { CustodyError } from '#core/errors.ts';
import { callerOf, contextOf } from '../caller.ts';
import { type ApiEvent, type ApiResult, type HttpHandler, httpHandler } from '../http.ts';
import type { FaultLog } from '../problem.ts';
import type { LedgerView } from '../sessions/handler.ts';

export interface LedgerPorts {
  readonly policy: () => Config;
  readonly ledger: LedgerView;
  readonly now: () => Date;
  readonly log: FaultLog;
}

/** https://c2sp.org/tlog-tiles: hashes by level and number, entries by number; the last group in threes, with its width. */
const TILE = /^tile\/(?:[0-9]|[1-5][0-9]|6[0-3])\/(?:x\d{3}\/){0,5}\d{3}(?:\.p\/\d{1,3})?$/;
const ENTRIES = /^tile\/entries\/(?:x\d{3}\/){0,5}\d{3}(?:\.p\/\d{1,3})?$/;
const EVERYTHING = '*';
/** A route of its own, which has no `{proxy}`. */
const CHECKPOINT = '/v1/ledger/checkpoint';

/**
 * GET /v1/ledger/checkpoint and /v1/ledger/tile/…: the ledger for monitors and witnesses, as C2SP tlog-tiles has it. Checkpoint
 * and hashes tell nothing about anybody; entries name people, and are for who may replay every session.
 */
export function ledgerHandler(ports: LedgerPorts): HttpHandler {
  return httpHandler(ports.log, async (event) => {
    callerOf(event);
    if (event.rawPath === CHECKPOINT) return checkpoint(ports);
    const path = event.pathParameters?.['proxy'] ?? '';
    const isEntries = ENTRIES.test(path);
    if (isEntries) requireAuditor(event, ports);
    if (!isEntries && !TILE.test(path)) throw nothing();
    return bytesOf(await ports.ledger.fetch(path).catch(hideMissing));
  });
}

async function checkpoint({ ledger }: LedgerPorts): Promise<ApiResult> {
  const newest = await ledger.newest();
  if (newest === undefined) throw nothing();
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  return { statusCode: 200, headers, body: newest.note };
}

function requireAuditor(event: ApiEvent, { policy, now }: LedgerPorts): void {
  const question = { policy: policy(), principal: callerOf(event), context: contextOf(event), now: now() };
  if (Authorization.isOne(decide({ ...question, action: 'replay', target: EVERYTHING }))) return;
  throw new CustodyError('access-denied', 'entries of the ledger are for who may replay every session', {
    hint: 'the hashes and the checkpoint are for everybody',
  });
}

function bytesOf(bytes: Uint8Array): ApiResult {
  const headers = { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' };
  return { statusCode: 200, headers, body: Buffer.from(bytes).toString('base64'), isBase64Encoded: true };
}

function hideMissing(error: unknown): never {
  throw error instanceof CustodyError && error.code === 'not-found' ? nothing() : error;
}

function nothing(): CustodyError {
  return new CustodyError('not-found', 'there is nothing here in the ledger', {
    hint: 'see /v1/ledger/checkpoint',
  });
}
