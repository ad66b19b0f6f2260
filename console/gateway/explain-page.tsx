import { Loading } from '../parts/states.tsx';

export default function ExplainPage() {
  return (
    <>
      <h1>Explain</h1>
      <Loading what="the form" />
    </>
  );
}
