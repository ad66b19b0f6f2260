import type { Status } from '../api/gateway.ts';
import { shown } from '../parts/text.ts';

const DOORS = { api: 'API', gateway: 'gateway' } as const;

/** What codes mean to whoever is on call. */
const MEANINGS: Readonly<Record<string, string>> = {
  'token-missing': 'no token was shown',
  'token-invalid': 'expired, for somebody else, or not genuine',
  'too-many-failures': 'an address that guessed too often',
  'issuer-unreachable': 'its keys could not be fetched: look at the identity provider',
  'store-unavailable': 'it could not be looked up whether it is still good',
  'access-denied': 'of somebody who may do nothing here',
};

export function Refused({ refused }: { readonly refused: Status['refusedTokens'] }) {
  return (
    <section id="refused" class="card">
      <h2>Refused tokens, last hour</h2>
      {refused.reasons.length === 0 ? (
        <p class="hint">None.</p>
      ) : (
        <div class="scroll-x" tabIndex={0} role="region" aria-label="Refused tokens by reason">
          <table>
            <thead>
              <tr>
                <th scope="col">How many</th>
                <th scope="col">Why</th>
                <th scope="col">Said to be of</th>
                <th scope="col">At the</th>
              </tr>
            </thead>
            <tbody>
              {refused.reasons.map(({ door, code, issuer, count }) => (
                <tr key={`${door} ${code} ${issuer ?? ''}`}>
                  <td>{count}</td>
                  <td>
                    <code>{shown(code)}</code>
                    {MEANINGS[code] !== undefined && <p class="hint">{MEANINGS[code]}</p>}
                  </td>
                  <td>{issuer === undefined ? <span class="hint">nobody known</span> : shown(issuer)}</td>
                  <td>{DOORS[door]}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
