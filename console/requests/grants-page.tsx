import { Loading } from '../parts/states.tsx';

export default function GrantsPage() {
  return (
    <>
      <h1>Grants</h1>
      <Loading what="grants" />
    </>
  );
}
