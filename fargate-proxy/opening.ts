import { randomBytes } from 'node:crypto';
import { BLIND_MS, blindMsOf } from '#core/access/blind.ts';
import type { ComingTask } from '#core/access/conditions.ts';
import type { Target } from '#core/access/config.ts';
import type { Authorization, Grant } from '#core/access/decide.ts';
import { addressOf } from '#core/access/made-sandboxes.ts';
import type { ProvedKey } from '#core/identity/credential.ts';
import type { RegisteredDevice } from '#core/identity/devices/device.ts';
import { protocolOf } from '#core/protocols/protocols.ts';
import type { Retention } from '#core/recording/ports.ts';
import type { Opening } from '#core/recording/recorder.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { boundText, recordedTogether } from '#core/recording/statements.ts';
import type { NamedSandbox } from '#core/sandboxes/sandbox.ts';
import { traceparentOf } from '#core/tasks/trace.ts';
import type { Greeting } from './protocol.ts';

/** What an open statement says beside what was authorized. */
interface Particulars {
  readonly greeting: Pick<Greeting, 'client' | 'login' | 'device' | 'trace'>;
  /** Where the client connects from. */
  readonly address: string;
  /** Which one the target is, where it is one that was made. */
  readonly sandbox?: NamedSandbox;
  readonly gateway: Opening['gateway'];
  readonly now: Date;
}

/** What the open statement of a new session says. */
export function openingOf(
  permission: Authorization<'connect'>,
  { greeting, address, sandbox, gateway, now }: Particulars,
): Opening {
  const { principal, target, rule, grant, policyVersion, context } = permission;
  const blindMs = blindMsOf(permission);
  const {
    device,
    client: { application, user },
  } = greeting;
  const { certificate } = principal;
  const login = protocolOf(target).loginFor(target, greeting.login);
  return {
    session: newSessionId(now.getTime(), randomBytes(10)),
    startedAt: now.toISOString(),
    ...recordedTogether(principal, belongingOf(context.task, greeting.trace)),
    target: {
      name: target.name,
      protocol: target.protocol,
      address: addressText(target),
      ...(login === undefined ? {} : { login }),
      ...(sandbox === undefined ? {} : { sandbox }),
    },
    ...(device === undefined ? {} : { device: recordedDevice(device, context.device?.registered) }),
    ...(certificate === undefined ? {} : { certificate: { serial: certificate.serial } }),
    client: {
      address,
      ...(application === undefined ? {} : { application: boundText(application) }),
      ...(user === undefined ? {} : { user: boundText(user) }),
    },
    grant: grant === undefined ? { rule } : { rule, ...recordedGrant(grant) },
    ...(grant === undefined ? {} : { approvedBy: grant.approvedBy }),
    policy: policyVersion,
    ...protocolOf(target).leftOut(target),
    gateway,
    durability: { mode: target.recording.durability, windowMs: target.recording.windowMs },
    ...(blindMs > BLIND_MS ? { blindMs } : {}),
    retention: retentionOf(target, now),
  };
}

/** The device that proved to hold its key on this connection, and how; what it is registered as, whoever's it is. */
function recordedDevice(
  { key, proof, user }: ProvedKey,
  registered: RegisteredDevice | undefined,
): NonNullable<Opening['device']> {
  return {
    key,
    proof,
    ...(registered === undefined ? {} : { name: registered.name, attested: registered.attested }),
    ...(user === undefined ? {} : { user }),
  };
}

/** A trace that is none names nothing: W3C Trace Context has readers ignore it. */
function belongingOf(
  task: ComingTask | undefined,
  asked: string | undefined,
): Pick<Opening, 'task' | 'trace'> {
  const trace = traceparentOf(asked);
  return {
    ...(task === undefined ? {} : { task: recordedTask(task) }),
    ...(trace === undefined ? {} : { trace }),
  };
}

function recordedTask({ run, workflow, digest, task }: ComingTask): NonNullable<Opening['task']> {
  return { run, workflow, digest, name: task };
}

function recordedGrant({ id, digest, until }: Grant): { request: string; digest: string; until: string } {
  return { request: id, digest, until: until.toISOString() };
}

function retentionOf({ recording: { retention } }: Target, now: Date): Retention {
  const until = new Date(now.getTime() + retention.keep).toISOString();
  return { lock: retention.lock, until, ...(retention.hold ? { hold: true } : {}) };
}

function addressText(target: Target): string {
  const { host, port } = addressOf(target);
  return `${host}:${port}`;
}
