import ipaddr from 'ipaddr.js';
import { CustodyError } from '../../errors.ts';

/**
 * The value of `source-address`, in the form that every reader takes: networks begin where their prefix says, for OpenSSH believes no
 * list with another in it. Throws `format-invalid`.
 */
export function sourceAddresses(list: string): string {
  return list
    .split(',')
    .map((one) => network(one.trim()))
    .join(',');
}

function network(text: string): string {
  if (ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text))
    return ipaddr.parse(text).toString();
  const [address = ''] = text.split('/');
  const isDotted = ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address);
  if (!isDotted || !ipaddr.isValidCIDR(text)) throw invalid();
  const [first, bits] = ipaddr.parseCIDR(text);
  const start =
    first.kind() === 'ipv4'
      ? ipaddr.IPv4.networkAddressFromCIDR(text)
      : ipaddr.IPv6.networkAddressFromCIDR(text);
  return `${start.toString()}/${bits}`;
}

function invalid(): CustodyError {
  return new CustodyError(
    'format-invalid',
    'sourceAddress: expected addresses and networks, commas between',
    {
      hint: 'such as 10.0.0.0/8,2001:db8::/32,192.0.2.7',
    },
  );
}
