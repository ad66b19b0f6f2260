/**
 * What our own CloudFront tells the API beside a call. It is believed with the secret alone: headers say whatever their sender likes
 * (security case 19).
 */

/** The secret that CloudFront and the authorizer share. */
export const EDGE_SECRET = 'x-custody-edge';
/** The address that the call came to CloudFront from. */
export const EDGE_VIEWER = 'x-custody-viewer';
