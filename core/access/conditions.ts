import ipaddr from 'ipaddr.js';
import type { ProvedKey } from '../identity/credential.ts';
import type { RegisteredDevice } from '../identity/devices/device.ts';
import type { When } from './config.ts';
import { days } from './formats.ts';

/** What is known of how somebody comes. What is not known does not count for them. */
export interface Context {
  /** Where the connection comes from, as the gateway's own socket has it; never a header's word (security case 19). */
  readonly network?: string;
  /** The login at the target that the client chose, where the protocol lets it. */
  readonly login?: string;
  /** True where a FIDO authenticator verified its user for this very connection. */
  readonly userVerified?: boolean;
  /** The task of a run that the session would be, where that was looked at and may be it now (core/tasks). */
  readonly task?: ComingTask;
  /** What is known of the device that it comes from; absent where nobody could look. */
  readonly device?: ComingDevice;
}

export interface ComingTask {
  readonly run: string;
  readonly workflow: string;
  /** Of the workflow's text: what the run is under. */
  readonly digest: string;
  readonly task: string;
}

export interface ComingDevice {
  /** The key that this very connection proved to hold. */
  readonly proved?: ProvedKey;
  /** Whose device that key is, where it is one. */
  readonly registered?: RegisteredDevice;
}

/** What conditions look at. */
export interface Circumstances extends Omit<Context, 'task'> {
  /** See `Context.task`. */
  readonly step?: ComingTask | undefined;
  readonly now: Date;
  readonly deviceBound: boolean;
  /** The key that the connection proved is a registered device of the very person. */
  readonly deviceRegistered: boolean;
  /** The one that the token was issued for. */
  readonly task: string | undefined;
  readonly mfa: boolean;
}

/** True when every condition is known to hold. */
export function holds(when: When | undefined, about: Circumstances): boolean {
  return when === undefined || unmet(when, about).length === 0;
}

/** True when no condition is known not to hold: for a rule that denies, what is not known counts against them. */
export function mayHold(when: When | undefined, about: Circumstances): boolean {
  return when === undefined || knownUnmet(when, about).length === 0;
}

/** The conditions that are known not to hold. */
export function knownUnmet(when: When, about: Circumstances): readonly (keyof When)[] {
  const isNetworkKnown = clientOf(about.network) !== undefined;
  const isDeviceKnown = about.device !== undefined || when.device === 'bound' || when.device === 'unbound';
  return unmet(when, about).filter(
    (condition) => (condition !== 'networks' || isNetworkKnown) && (condition !== 'device' || isDeviceKnown),
  );
}

/** The conditions that do not hold, by their name in the file. */
export function unmet(when: When, about: Circumstances): readonly (keyof When)[] {
  const { networks, hours, device, tasks, task, mfa } = when;
  const met: Record<keyof When, boolean> = {
    networks: networks === undefined || isIn(networks, about.network),
    hours: hours === undefined || isWithin(hours, about.now),
    device: device === undefined || isOfDevice(device, about),
    tasks: tasks === undefined || (about.task !== undefined && tasks.includes(about.task)),
    task: task === undefined || isTask(task, about.step),
    mfa: mfa === undefined || about.mfa,
  };
  return (Object.keys(met) as (keyof When)[]).filter((condition) => !met[condition]);
}

function isOfDevice(wanted: NonNullable<When['device']>, about: Circumstances): boolean {
  switch (wanted) {
    case 'bound':
      return about.deviceBound;
    case 'unbound':
      return !about.deviceBound;
    case 'registered':
      return about.deviceRegistered;
    case 'verified':
      return about.deviceRegistered && about.userVerified === true;
  }
}

/** True for one of these tasks: `workflow/task`, or `workflow/*` for any of its tasks. */
export function isTask(
  wanted: readonly string[],
  step: Pick<ComingTask, 'workflow' | 'task'> | undefined,
): boolean {
  if (step === undefined) return false;
  return wanted.some((one) => one === `${step.workflow}/${step.task}` || one === `${step.workflow}/*`);
}

function isIn(networks: readonly string[], address: string | undefined): boolean {
  const client = clientOf(address);
  if (client === undefined) return false;
  return networks.some((network) => {
    const [range, bits] = ipaddr.parseCIDR(network);
    return range.kind() === client.kind() && client.match(range, bits);
  });
}

/**
 * An IPv4 client on a dual-stack listener comes as ::ffff:a.b.c.d, and is its IPv4 address. Undefined for what is no address as
 * a socket writes one: it is not known.
 */
function clientOf(address: string | undefined) {
  const [bare = ''] = address?.split('%') ?? [];
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare);
  return isAddress ? ipaddr.process(bare) : undefined;
}

/** From `from` until before `to`, on the clocks of the zone; a window over midnight belongs to the day it begins on. */
function isWithin({ days: allowed, from, to, zone }: NonNullable<When['hours']>, now: Date): boolean {
  const { day, minute } = localTime(now, zone);
  const [start, end] = [minuteOf(from), minuteOf(to)];
  const isAllowed = (index: number): boolean => allowed.includes(days[(index + 7) % 7]!);
  if (start < end) return isAllowed(day) && minute >= start && minute < end;
  return (isAllowed(day) && minute >= start) || (isAllowed(day - 1) && minute < end);
}

function minuteOf(clock: string): number {
  const [hour, minute] = clock.split(':').map(Number) as [number, number];
  return hour * 60 + minute;
}

function localTime(now: Date, timeZone: string): { readonly day: number; readonly minute: number } {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const parts = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, value]));
  const day = days.indexOf(parts['weekday']!.toLowerCase() as (typeof days)[number]);
  return { day, minute: Number(parts['hour']) * 60 + Number(parts['minute']) };
}

/** What is missing where a condition does not hold. */
export function conditionWords(condition: keyof When, { device, task = [] }: When): string {
  if (condition === 'task') return `the session is not the task ${task.join(' or ')} of a run`;
  return condition === 'device' ? DEVICE_WORDS[device ?? 'bound'] : WORDS[condition];
}

const WORDS: Readonly<Record<Exclude<keyof When, 'device' | 'task'>, string>> = {
  networks: 'the connection does not come from its networks',
  hours: 'it is outside its hours',
  tasks: 'the token was not issued for one of its tasks',
  mfa: 'the token does not say that a second factor was checked',
};

const DEVICE_WORDS: Readonly<Record<NonNullable<When['device']>, string>> = {
  bound: 'the token is not bound to a device as it wants',
  unbound: 'the token is not bound to a device as it wants',
  registered: 'the connection did not prove the key of a registered device of yours',
  verified:
    'the connection did not prove the FIDO key of a registered device of yours, with its PIN or your finger',
};
