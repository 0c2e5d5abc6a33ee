/** Whether a connection comes from this very machine. */
import { networkInterfaces } from 'node:os';

/** `address`: normalised (ftp/address.ts). Interfaces are looked up each time: boards get addresses late, and new ones. */
export function isOfThisMachine(address: string): boolean {
  if (address === '::1' || address.startsWith('127.')) return true;
  const bare = address.replace(/%.*$/, '');
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some((own) => own.address === bare),
  );
}
