import { Loading } from '../parts/states.tsx';

export default function SessionPage() {
  return (
    <>
      <h1>Session</h1>
      <Loading what="the session" />
    </>
  );
}
