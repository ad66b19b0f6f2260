import { Loading } from '../parts/states.tsx';

export default function RequestPage() {
  return (
    <>
      <h1>Request</h1>
      <Loading what="the request" />
    </>
  );
}
