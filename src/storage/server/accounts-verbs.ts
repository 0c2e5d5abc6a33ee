/** SITE ACCOUNTS and SITE USAGE (peers/protocol-accounts.ts), for the gateways of all members. */
import { checkPath } from '../path-check.ts';
import { text } from './request-fields.ts';
import type { Handler } from './site-handler.ts';

export const accountsVerbs: { readonly [verb: string]: Handler } = {
  async ACCOUNTS(request, { store }) {
    return await store.accounts.read({
      digest: text(request, 'digest'),
      ...(request['after'] !== undefined && { after: text(request, 'after') }),
    });
  },
  async USAGE(request, { store }) {
    const path = text(request, 'path');
    if (path !== '/') checkPath(path, '');
    return await store.accounts.usage(path);
  },
};
