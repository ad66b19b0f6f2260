import { Loading } from '../parts/states.tsx';

export default function LedgerPage() {
  return (
    <>
      <h1>Ledger</h1>
      <Loading what="the ledger" />
    </>
  );
}
