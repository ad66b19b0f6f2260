import { Loading } from '../parts/states.tsx';

export default function RunsPage() {
  return (
    <>
      <h1>Runs</h1>
      <Loading what="runs" />
    </>
  );
}
