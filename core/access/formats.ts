/** What the texts of custody.yaml look like that others interpret. */
import ipaddr from 'ipaddr.js';

export const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** CIDR notation (RFC 4632, RFC 4291 section 2.3). */
export function isNetwork(written: string): boolean {
  return ipaddr.isValidCIDR(written);
}

/** A name of the IANA time zone database. */
export function isZone(written: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: written }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
