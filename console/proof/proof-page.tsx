import { Loading } from '../parts/states.tsx';

export default function ProofPage() {
  return (
    <>
      <h1>Proof</h1>
      <Loading what="the evidence" />
    </>
  );
}
