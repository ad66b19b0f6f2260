import { Loading } from '../parts/states.tsx';

export default function RunPage() {
  return (
    <>
      <h1>Run</h1>
      <Loading what="the run" />
    </>
  );
}
