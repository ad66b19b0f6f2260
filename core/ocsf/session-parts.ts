/** What all events of a session share: who, from where, to what, under which rule. */
import type { CloseStatement, OpenStatement } from '../recording/format.ts';
import { OCSF_VERSION, type SignedDigest } from './event.ts';

/** A session as its verified statements say it is. */
export interface EventSession {
  readonly open: { readonly value: OpenStatement; readonly sha256: string };
  readonly close: { readonly value: CloseStatement; readonly sha256: string };
  /** A checkpoint under which both statements are proved to be, where one is at hand: it witnesses the end. */
  readonly checkpoint?: { readonly origin: string; readonly size: number; readonly rootHash: string };
}

export type SessionParts = ReturnType<typeof sessionParts>;

/** Computed once a session. */
export function sessionParts({ open: { value: open, sha256 } }: EventSession) {
  const { session, target, client, principal } = open;
  const endpoint = addressParts(target.address);
  return {
    session,
    target: target.name,
    startedMs: Date.parse(open.startedAt),
    signer: open.signer,
    user: userOf(principal),
    actor: actorOf(open),
    source: addressParts(client.address),
    destination: { ...endpoint, name: target.name, svc_name: target.protocol },
    device: { ...withoutPort(endpoint), name: target.name, type: 'Server', type_id: 1 },
    agent: agentOf(open),
    unmapped: unmappedOf(open, sha256),
    product: { name: 'Custody', vendor_name: 'Custody', version: open.gateway.version },
  };
}

/** `metadata` of one event. A finding names an agent in its evidences, by no profile. */
export function metadataOf(
  parts: SessionParts,
  uid: string,
  sequence: number,
  kind: string,
  mayHaveAgent = true,
) {
  return {
    version: OCSF_VERSION,
    product: parts.product,
    profiles: [
      'host',
      'record_integrity',
      ...(mayHaveAgent && parts.agent !== undefined ? ['ai_operation'] : []),
    ],
    uid,
    correlation_uid: parts.session,
    sequence,
    event_code: kind,
    log_name: 'custody',
    log_version: '1',
  };
}

/** The statements' own signatures; the ledger's checkpoint as the witness of both. */
export function openSigned({ open }: EventSession): SignedDigest[] {
  return [{ what: open.value.type, sha256: open.sha256, at: open.value.startedAt }];
}

export function closeSigned({ close, checkpoint }: EventSession): SignedDigest[] {
  const end = { what: close.value.type, sha256: close.sha256, at: close.value.endedAt };
  if (checkpoint === undefined) return [end];
  const { origin, size, rootHash } = checkpoint;
  return [end, { what: `checkpoint of ${origin}, ${size} leaves`, sha256: rootHash }];
}

function userOf({ subject, email, groups }: OpenStatement['principal']) {
  return {
    uid: subject,
    name: email ?? subject,
    ...(email === undefined ? {} : { email_addr: email }),
    ...(groups.length === 0 ? {} : { groups: groups.map((name) => ({ name })) }),
    type: 'User',
    type_id: 1,
  };
}

function actorOf({ session, startedAt, principal, grant, policy, client }: OpenStatement) {
  const { issuer, issuerName } = principal;
  return {
    user: userOf(principal),
    session: { uid: session, created_time: Date.parse(startedAt), issuer, is_remote: true },
    idp: { name: issuerName ?? issuer, issuer },
    authorizations: [{ decision: 'allowed', policy: { name: grant.rule, version: policy } }],
    ...(client.application === undefined ? {} : { app_name: client.application }),
  };
}

/** Who acted for the person, the one that did first: software, which the identity provider named. What kind, nobody told. */
function agentOf({ principal: { actors }, session }: OpenStatement) {
  const [first] = actors ?? [];
  if (first === undefined) return undefined;
  return { uid: first.subject, name: first.subject, instance_uid: session, type_id: 0, type: 'Unknown' };
}

function unmappedOf(open: OpenStatement, sha256: string) {
  const { session, principal, client, target, device, certificate, grant, task, trace, signer, startedAt } =
    open;
  return {
    session,
    started_at: startedAt,
    person: principal.email ?? principal.subject,
    issuer: principal.issuer,
    ...(principal.actors === undefined ? {} : { actors: principal.actors.map(({ subject }) => subject) }),
    client: client.address,
    target: target.name,
    protocol: target.protocol,
    ...(target.login === undefined ? {} : { login: target.login }),
    rule: grant.rule,
    ...(grant.request === undefined ? {} : { request: grant.request }),
    ...(task === undefined
      ? {}
      : { workflow: task.workflow, workflow_digest: task.digest, run: task.run, task: task.name }),
    ...(trace === undefined ? {} : { trace }),
    ...(device === undefined ? {} : { device_key: device.key }),
    ...(certificate === undefined ? {} : { certificate: certificate.serial }),
    open_sha256: sha256,
    signer,
  };
}

const ADDRESS = /^\[?(?<host>.+?)\]?(?::(?<port>\d{1,5}))?$/;
const IP = /^[\d.]+$|:/;

/** `host:port`, of which the host may be an address of either kind. */
function addressParts(address: string) {
  const { host = address, port } = ADDRESS.exec(address)?.groups ?? {};
  return {
    ...(IP.test(host) ? { ip: host } : { hostname: host }),
    ...(port === undefined ? {} : { port: Number(port) }),
  };
}

function withoutPort({ port: _port, ...endpoint }: ReturnType<typeof addressParts>) {
  return endpoint;
}
