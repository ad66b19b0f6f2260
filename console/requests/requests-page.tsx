import { Loading } from '../parts/states.tsx';

export default function RequestsPage() {
  return (
    <>
      <h1>Requests</h1>
      <Loading what="requests" />
    </>
  );
}
