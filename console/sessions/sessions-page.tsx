import { Loading } from '../parts/states.tsx';

export default function SessionsPage() {
  return (
    <>
      <h1>Sessions</h1>
      <Loading what="sessions" />
    </>
  );
}
