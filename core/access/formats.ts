/** What the texts of custody.yaml look like that others interpret. */
import ipaddr from 'ipaddr.js';

export const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/**
 * CIDR notation (RFC 4632, RFC 4291 section 2.3), as everybody reads it alike: neither `10/8`, which some read as 0.0.0.10/8, nor
 * octal numbers. IPv4 mapped into IPv6 is none: clients count by their IPv4 address, so it would never match.
 */
export function isNetwork(written: string): boolean {
  if (ipaddr.IPv4.isValidCIDRFourPartDecimal(written)) return true;
  return ipaddr.IPv6.isValidCIDR(written) && !ipaddr.IPv6.parseCIDR(written)[0].isIPv4MappedAddress();
}

/** A name of the IANA time zone database. */
export function isZone(written: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: written }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
