/** What the commands do to files, and which accounts may (accounts/account.ts). The view (view/files-for.ts) is the wall behind it. */
import type { Rights } from '../accounts/account.ts';

/** list: names. read: contents and hashes. store: new files and folders. change: names and times. delete. */
export type Right = 'list' | 'read' | 'store' | 'change' | 'delete';

const ALLOWED: { readonly [rights in Rights]: readonly Right[] } = {
  full: ['list', 'read', 'store', 'change', 'delete'],
  'read-only': ['list', 'read'],
  // A listing is empty; a change works on what the session has stored itself.
  'upload-only': ['list', 'store', 'change'],
};

export function mayDo(rights: Rights, right: Right): boolean {
  return ALLOWED[rights].includes(right);
}
