import type { z } from 'zod';
import { reviewerGroups } from '#core/access/approvals.ts';
import { type Device, type DeviceState, deviceState } from '#core/identity/devices/device.ts';
import type { DevicePage, DeviceQuery, DeviceStore } from '#core/identity/devices/store.ts';
import { canonicalEmail } from '#core/identity/email.ts';
import type { Asking } from '../asking.ts';
import type { devicesQuery } from './shapes.ts';
import { isOwn, isVisible } from './visible.ts';

type Catalog = Pick<DeviceStore, 'list'>;
type Wish = Omit<z.output<typeof devicesQuery>, 'person'>;
/** By whom or what, without how many. */
type Whose =
  | Pick<Extract<DeviceQuery, { owner: unknown }>, 'owner'>
  | { email: string }
  | { state: DeviceState };

/** Of one person: more than anybody has that were not revoked, and with those that were, what is looked through at once. */
const OF_ONE_MAX = 1_000;

/** The caller's own, newest first; of those that wait, also what they may approve. */
export async function listed(query: Wish, asking: Asking, catalog: Catalog): Promise<DevicePage> {
  const { caller, policy } = asking;
  const { approval } = policy.devices;
  const isReviewer = approval !== undefined && reviewerGroups(approval, caller).length > 0;
  if (query.state === 'pending' && isReviewer) return waiting(query, asking, catalog);
  const whose: Whose[] = [{ owner: caller }, ...(caller.email === undefined ? [] : [emailOf(caller.email)])];
  return pageOf(whose, (device) => isOwn(device, asking), query, catalog);
}

/** Of a person by a subject, of whichever issuer, or by an address. */
export function devicesOf(
  person: string,
  query: Wish,
  { policy }: Asking,
  catalog: Catalog,
): Promise<DevicePage> {
  const owners = policy.issuers.map(({ issuer }) => ({ owner: { issuer, subject: person } }));
  const whose = [...owners, ...(person.includes('@') ? [emailOf(person)] : [])];
  return pageOf(whose, () => true, query, catalog);
}

/** All that wait: a page may hold less than `limit`, or nothing, and still go on. */
async function waiting({ limit, cursor }: Wish, asking: Asking, catalog: Catalog): Promise<DevicePage> {
  const from = cursor === undefined ? {} : { cursor };
  const { devices, next } = await catalog.list({ state: 'pending', limit, ...from });
  const seen = devices.filter((device) => isVisible(device, asking));
  return { devices: seen, ...(next === undefined ? {} : { next }) };
}

/** Of one person there are few: all of them are looked at, and a page is cut out of them, newest first. */
async function pageOf(
  whose: readonly Whose[],
  isWanted: (device: Device) => boolean,
  { limit, cursor, state }: Wish,
  catalog: Catalog,
): Promise<DevicePage> {
  const pages = await Promise.all(whose.map((one) => catalog.list({ ...one, limit: OF_ONE_MAX })));
  const byId = new Map(pages.flatMap(({ devices }) => devices).map((device) => [device.id, device]));
  const fits = (device: Device): boolean =>
    isWanted(device) && (state === undefined || deviceState(device) === state);
  const sorted = [...byId.values()].filter(fits).toSorted(newestFirst);
  const from = cursor === undefined ? 0 : sorted.findIndex(({ id }) => id === cursor) + 1;
  const devices = sorted.slice(from, from + limit);
  return sorted.length > from + limit ? { devices, next: devices.at(-1)!.id } : { devices };
}

function newestFirst(a: Device, b: Device): number {
  if (a.registeredAt !== b.registeredAt) return a.registeredAt < b.registeredAt ? 1 : -1;
  return a.id < b.id ? -1 : 1;
}

function emailOf(address: string): { readonly email: string } {
  return { email: canonicalEmail(address) };
}
