import type { z } from 'zod';
import type { Config } from '#core/access/config.ts';
import { owns } from '#core/access/own.ts';
import type { CertificateBook, IssuedCertificate } from '#core/access/ssh-certificates/book.ts';
import type { CertificateDesk } from '#core/access/ssh-certificates/desk.ts';
import type { CertificateWish } from '#core/access/ssh-certificates/issue.ts';
import { type Revoked, revocationsOf } from '#core/access/ssh-certificates/revocation.ts';
import { sourceAddresses } from '#core/access/ssh-certificates/source-addresses.ts';
import { CustodyError } from '#core/errors.ts';
import type { NewestLogouts } from '#core/identity/logouts.ts';
import { formatKeyLine, parsePublicKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import type { SshPublicKey } from '#core/protocols/ssh/keys/public-key.ts';
import { nothingBody } from '../access/shapes.ts';
import { mayAdminister, refuseShutOut, requireAdminister } from '../access/visible.ts';
import { type Asking, askingOf } from '../asking.ts';
import {
  type ApiEvent,
  type ApiResult,
  bodyOf,
  type HttpHandler,
  httpHandler,
  json,
  queryOf,
} from '../http.ts';
import { type FaultLog, noSuchOperation } from '../problem.ts';
import { noQuery } from '../shapes.ts';
import type { SshPlace } from './place.ts';
import {
  certificateBody,
  certificatePageShape,
  certificateShape,
  certificatesQuery,
  revocationBody,
  revocationShape,
  serial as serialShape,
  sshShape,
} from './shapes.ts';

export interface SshPorts {
  readonly policy: () => Config;
  readonly desk: CertificateDesk;
  readonly book: Pick<CertificateBook, 'find' | 'of'>;
  readonly revocations: NewestLogouts;
  /** Undefined where the gateway speaks no SSH. */
  readonly place: () => Promise<SshPlace | undefined>;
  readonly userCa: () => Promise<readonly SshPublicKey[]>;
  readonly targetCa: () => Promise<readonly SshPublicKey[]>;
  readonly now: () => Date;
  readonly log: FaultLog;
}

/** SSH's own part of the API: /v1/ssh. */
export function sshHandler(ports: SshPorts): HttpHandler {
  return httpHandler(ports.log, async (event) => {
    const asking = askingOf(event, ports);
    switch (event.routeKey) {
      case 'GET /v1/ssh':
        return show(event, ports);
      case 'POST /v1/ssh/certificates':
        return issue(event, asking, ports);
      case 'GET /v1/ssh/certificates':
        return list(event, asking, ports);
      case 'POST /v1/ssh/certificates/{serial}/revoke':
        return revokeOne(event, asking, ports);
      case 'POST /v1/ssh/revocations':
        return revokeMany(event, asking, ports);
      default:
        throw noSuchOperation();
    }
  });
}

async function show(event: ApiEvent, { place, userCa, targetCa }: SshPorts): Promise<ApiResult> {
  queryOf(noQuery, event);
  const [where, users, targets] = await Promise.all([place(), userCa(), targetCa()]);
  if (where === undefined) throw new CustodyError('not-found', 'this gateway speaks no SSH');
  return json(sshShape, { ...where, userCa: linesOf(users), targetCa: linesOf(targets) });
}

function linesOf(keys: readonly SshPublicKey[]): string[] {
  return keys.map(({ blob }) => formatKeyLine(blob));
}

async function issue(event: ApiEvent, asking: Asking, { desk }: SshPorts): Promise<ApiResult> {
  refuseShutOut(asking);
  const wish = wishOf(bodyOf(certificateBody, event));
  const { issued, certificate } = await desk.issue(asking.caller, wish);
  const line = formatKeyLine(certificate, issued.keyId);
  return json(certificateShape, { certificate: line, ...answerOf(issued) }, { status: 201 });
}

function wishOf({
  publicKey,
  validSeconds,
  sourceAddress,
  target,
  forceCommand,
}: z.infer<typeof certificateBody>): CertificateWish {
  return {
    key: keyOf(publicKey),
    ...(validSeconds === undefined ? {} : { validMs: validSeconds * 1000 }),
    ...(target === undefined ? {} : { target }),
    ...(sourceAddress === undefined ? {} : { sourceAddress: sourceAddresses(sourceAddress) }),
    ...(forceCommand === undefined ? {} : { forceCommand }),
  };
}

function keyOf(line: string): SshPublicKey {
  try {
    return parsePublicKeyLine(line);
  } catch (thrown) {
    if (!(thrown instanceof CustodyError) || thrown.code !== 'format-invalid') throw thrown;
    throw new CustodyError('format-invalid', `publicKey: the key ${thrown.message}`, {
      hint: 'send the line of the file that ends in .pub',
    });
  }
}

/** Shapes name what is told: not whose it is, which only its owner asks. */
function answerOf({ issuedAt, expiresAt, ...issued }: IssuedCertificate) {
  return { ...issued, issuedAt: issuedAt.toISOString(), expiresAt: expiresAt.toISOString() };
}

/** One's own: of the account that asked for them. */
async function list(
  event: ApiEvent,
  { caller }: Asking,
  { book, revocations }: SshPorts,
): Promise<ApiResult> {
  const { limit, cursor } = queryOf(certificatesQuery, event);
  const page = await book.of(caller, { limit, ...(cursor === undefined ? {} : { cursor }) });
  const revoked = await revocationsOf(page.certificates, revocations);
  const certificates = page.certificates.map((issued, at) => {
    const revokedAt = revoked[at]?.toISOString();
    return { ...answerOf(issued), ...(revokedAt === undefined ? {} : { revokedAt }) };
  });
  return json(certificatePageShape, {
    certificates,
    ...(page.next === undefined ? {} : { next: page.next }),
  });
}

/** One of somebody else's is there for who administers alone: nobody else learns that there is one. */
async function revokeOne(event: ApiEvent, asking: Asking, { desk, book }: SshPorts): Promise<ApiResult> {
  bodyOf(nothingBody, event);
  const parsed = serialShape.safeParse(event.pathParameters?.['serial']);
  const issued = parsed.success ? await book.find(parsed.data) : undefined;
  const isOwn = issued !== undefined && owns(asking.caller, issued.person, asking.policy);
  if (!parsed.success || !(isOwn || mayAdminister(asking)))
    throw new CustodyError('not-found', 'you have no such certificate', {
      hint: 'see GET /v1/ssh/certificates',
    });
  const serial = parsed.data;
  const at = await desk.revoke({ kind: 'serial', serial }, asking.caller);
  return json(revocationShape, { serial, revokedAt: at.toISOString() }, { status: 202 });
}

/** All that a key or a person has: one's own person, and whatever else for who administers. */
async function revokeMany(event: ApiEvent, asking: Asking, { desk }: SshPorts): Promise<ApiResult> {
  const body = bodyOf(revocationBody, event);
  const revoked: Revoked =
    'key' in body ? { kind: 'key', key: body.key } : { kind: 'person', person: body.person };
  const isOwn = revoked.kind === 'person' && owns(asking.caller, revoked.person, asking.policy);
  if (!isOwn) requireAdminister(asking);
  const at = await desk.revoke(revoked, asking.caller);
  return json(revocationShape, { revokedAt: at.toISOString() }, { status: 202 });
}
