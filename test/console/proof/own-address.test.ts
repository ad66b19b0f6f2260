import { expect, test } from 'vitest';
import { ownAddress } from '../../../console/proof/own-address.ts';

test.each([
  [
    'of its own origin',
    'https://custody.example/objects/a/b.seg?sig=1',
    'https://custody.example',
    'https://custody.example/objects/a/b.seg?sig=1',
  ],
  [
    'of a bucket, whose signature is in the query',
    'https://bucket.s3.eu-central-1.amazonaws.com/sessions/x/00000000.seg?X-Amz-Signature=ab%2Fcd&X-Amz-Expires=60',
    'https://custody.example',
    'https://custody.example/evidence/sessions/x/00000000.seg?X-Amz-Signature=ab%2Fcd&X-Amz-Expires=60',
  ],
  [
    'of this machine, by another name',
    'http://127.0.0.1:7402/objects/a?sig=1',
    'http://localhost:7402',
    'http://localhost:7402/objects/a?sig=1',
  ],
  [
    'of this machine, at another port',
    'http://127.0.0.1:9/objects/a',
    'http://localhost:7402',
    'http://localhost:7402/evidence/objects/a',
  ],
  [
    'that only looks like this machine',
    'http://127.0.0.1.evil.example:7402/a',
    'http://localhost:7402',
    'http://localhost:7402/evidence/a',
  ],
])('a link %s is asked for at the page’s own origin', (_what, link, own, expected) => {
  expect(ownAddress(link, own)).toBe(expected);
});
