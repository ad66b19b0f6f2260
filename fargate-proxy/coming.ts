import type { ComingTask, Context } from '#core/access/conditions.ts';
import type { DeviceBook } from '#core/identity/devices/store.ts';
import type { Greeting } from './protocol.ts';

/** How somebody comes, as rules look at it. A key counts as a device's only once the connection has proved it (security case 2). */
export async function comingOf(
  { login, device: proved }: Pick<Greeting, 'login' | 'device'>,
  network: string | undefined,
  devices: DeviceBook,
  task: ComingTask | undefined,
): Promise<Context> {
  const registered = proved === undefined ? undefined : await devices.of(proved.key);
  return {
    ...(network === undefined ? {} : { network }),
    ...(login === undefined ? {} : { login }),
    ...(task === undefined ? {} : { task }),
    ...(proved?.user?.verified === true ? { userVerified: true } : {}),
    device: {
      ...(proved === undefined ? {} : { proved }),
      ...(registered === undefined ? {} : { registered }),
    },
  };
}
