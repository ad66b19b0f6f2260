import { useWho } from '../signin/context.ts';
import { shown } from '../parts/text.ts';

/** Which groups may is in the configuration, which one may not read either: so it says where that stands. */
export function NotForYou() {
  const { groups } = useWho();
  return (
    <section class="empty">
      <h1>Gateway</h1>
      <p>
        The state of the gateway is for who administers it: the groups of a rule with{' '}
        <code>allow: [administer]</code> in custody.yaml.
      </p>
      <p>{groups.length === 0 ? 'You are in no group.' : `Your groups: ${groups.map(shown).join(', ')}.`}</p>
      <p>
        <a href="/gateway/explain?action=administer">See what would be decided about you</a>
      </p>
    </section>
  );
}
